/*
 * dlopen, so that a program that opens the driver by a name of its own gets the stand-ins.
 *
 * Only the name is looked at (and exchanged); then the next dlopen is jumped to with the caller's own return address, so that it
 * sees the caller: its RPATH, RUNPATH, $ORIGIN and namespace.
 */
#if defined(__x86_64__)
    .text
    .globl dlopen
    .type dlopen, @function
    .p2align 4
dlopen:
    .cfi_startproc
    endbr64
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    call alq_dlopen_name
    popq %rsi
    .cfi_adjust_cfa_offset -8
    movq %rax, %rdi
    movq alq_dlopen_next(%rip), %r11
    jmp *%r11
    .cfi_endproc
    .size dlopen, . - dlopen

    .section .note.gnu.property, "a"
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 3, 0
#elif defined(__aarch64__)
    .text
    .globl dlopen
    .type dlopen, %function
    .p2align 4
dlopen:
    .cfi_startproc
    hint #34
    stp x29, x30, [sp, #-32]!
    .cfi_adjust_cfa_offset 32
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    str x1, [sp, #16]
    bl alq_dlopen_name
    ldr x1, [sp, #16]
    ldp x29, x30, [sp], #32
    .cfi_adjust_cfa_offset -32
    .cfi_restore x29
    .cfi_restore x30
    adrp x16, alq_dlopen_next
    ldr x16, [x16, :lo12:alq_dlopen_next]
    br x16
    .cfi_endproc
    .size dlopen, . - dlopen

    .section .note.gnu.property, "a"
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000000, 4, 1, 0
#else
#error "x86-64 and aarch64 only"
#endif
    .hidden alq_dlopen_name
    .hidden alq_dlopen_next
    .section .note.GNU-stack, "", %progbits
