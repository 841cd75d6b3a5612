/*
 * One exported entry per row of ALQ_TABLE, one stub per row that finds the real function at its first call, and the slots.
 *
 * An entry of a PASS row is a jump through its slot: every register and the stack are the caller's. An entry of a HOOK row is a
 * jump to its hook; its slot belongs to the hook's own calls of the real function. A HOOK row of class `free` takes no device
 * memory: listed, and passed on like a PASS row. An entry of a GATE row is a PASS row's until the gate is armed, then a jump to its
 * hook, which gate_calls.c makes.
 *
 * With ALQ_WAITS defined every entry but a GATE row's looks at alq_bare first (bare.h), and waits where that says so; and there is a table of
 * the entries.
 *
 * The resolver and the wait keep every argument register (integer, vector, the count of vector registers, x8) and the return address.
 */
#define PASS(name) alq_pass name
#define HOOK(name, family, class) alq_hook_##class name
#define GATE(name) alq_gate name
#define GATED(name, family, class) alq_hook_##class name
#define DATA(name)

#if defined(__x86_64__)
#define WORD .quad
#define FUNCTION_TYPE @function
#define OBJECT_TYPE @object
#define LANDING endbr64
#elif defined(__aarch64__)
#define WORD .xword
#define FUNCTION_TYPE %function
#define OBJECT_TYPE %object
#define LANDING hint #34
#else
#error "x86-64 and aarch64 only"
#endif

    .macro alq_entry name
    .globl \name
    .type \name, FUNCTION_TYPE
    .p2align 4
\name:
    LANDING
    .endm

    .macro alq_pass name
    alq_entry \name
    alq_serve
    alq_jump
    alq_wait
    .size \name, . - \name
    alq_stub \name
    .endm

    .macro alq_gate name
    .hidden alq_hook_\name
    .hidden alq_gate_armed
    alq_entry \name
#if defined(__x86_64__)
    cmpl $0, alq_gate_armed(%rip)
    jne alq_hook_\name
#else
    adrp x16, alq_gate_armed
    ldr w16, [x16, :lo12:alq_gate_armed]
    cbz w16, 1f
    b alq_hook_\name
1:
#endif
    alq_jump
    .size \name, . - \name
    alq_stub \name
    .endm

    /* on where calls are served, else to alq_wait, which comes back */
    .macro alq_serve
#if defined(ALQ_WAITS)
    .hidden alq_bare
    .cfi_startproc
#if defined(__x86_64__)
    cmpl $0, alq_bare(%rip)
    jne 3f
#else
    adrp x16, alq_bare
    ldr w16, [x16, :lo12:alq_bare]
    cbnz w16, 3f
#endif
2:
#endif
    .endm

    .macro alq_wait
#if defined(ALQ_WAITS)
3:
#if defined(__x86_64__)
    call alq_wait_stub
    jmp 2b
#else
    adr x17, 4f
    b alq_wait_stub
4:
    LANDING
    b 2b
#endif
    .cfi_endproc
#endif
    .endm

    /* through the slot of the row alq_index */
    .macro alq_jump
#if defined(__x86_64__)
    jmp *(alq_slots + 8 * alq_index)(%rip)
#else
    adrp x16, alq_slots + 8 * alq_index
    ldr x16, [x16, :lo12:(alq_slots + 8 * alq_index)]
    br x16
#endif
    .endm

    .macro alq_stub name
alq_stub_\name:
    LANDING
#if defined(__x86_64__)
    movl $alq_index, %r11d
    jmp alq_resolve_stub
#else
    mov w17, #alq_index
    b alq_resolve_stub
#endif
    .set alq_index, alq_index + 1
    .endm

    .macro alq_hooked name
    .hidden alq_hook_\name
    alq_entry \name
    alq_serve
#if defined(__x86_64__)
    jmp alq_hook_\name
#else
    b alq_hook_\name
#endif
    alq_wait
    .size \name, . - \name
    alq_stub \name
    .endm

    /* classes */
    .macro alq_hook_free name
    alq_pass \name
    .endm
    .macro alq_hook_charged name
    alq_hooked \name
    .endm
    .macro alq_hook_released name
    alq_hooked \name
    .endm
    .macro alq_hook_settled name
    alq_hooked \name
    .endm
    .macro alq_hook_queried name
    alq_hooked \name
    .endm
    .macro alq_hook_routed name
    alq_hooked \name
    .endm
    .macro alq_hook_watched name
    alq_hooked \name
    .endm
    .macro alq_hook_shown name
    alq_hooked \name
    .endm
    .macro alq_hook_filtered name
    alq_hooked \name
    .endm

    .hidden alq_slots
    .hidden alq_names
    .hidden alq_resolve

    /* every register that an argument may be in, and where to go on; the stack is as it was after alq_restore */
    .macro alq_save
#if defined(__x86_64__)
    pushq %rax
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    .cfi_adjust_cfa_offset 64
    subq $136, %rsp
    .cfi_adjust_cfa_offset 136
    movups %xmm0, (%rsp)
    movups %xmm1, 16(%rsp)
    movups %xmm2, 32(%rsp)
    movups %xmm3, 48(%rsp)
    movups %xmm4, 64(%rsp)
    movups %xmm5, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
#else
    stp x29, x30, [sp, #-240]!
    .cfi_adjust_cfa_offset 240
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x17, [sp, #80]
    stp q0, q1, [sp, #96]
    stp q2, q3, [sp, #128]
    stp q4, q5, [sp, #160]
    stp q6, q7, [sp, #192]
#endif
    .endm

    .macro alq_restore
#if defined(__x86_64__)
    movups (%rsp), %xmm0
    movups 16(%rsp), %xmm1
    movups 32(%rsp), %xmm2
    movups 48(%rsp), %xmm3
    movups 64(%rsp), %xmm4
    movups 80(%rsp), %xmm5
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    addq $136, %rsp
    .cfi_adjust_cfa_offset -136
    popq %r10
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rax
    .cfi_adjust_cfa_offset -64
#else
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x8, x17, [sp, #80]
    ldp q0, q1, [sp, #96]
    ldp q2, q3, [sp, #128]
    ldp q4, q5, [sp, #160]
    ldp q6, q7, [sp, #192]
    ldp x29, x30, [sp], #240
    .cfi_adjust_cfa_offset -240
    .cfi_restore x29
    .cfi_restore x30
#endif
    .endm

    .text
    .p2align 4
    .type alq_resolve_stub, FUNCTION_TYPE
alq_resolve_stub:
    .cfi_startproc
    alq_save
#if defined(__x86_64__)
    movl %r11d, %edi
    call alq_resolve
    movq %rax, %r11
    alq_restore
    jmp *%r11
#else
    mov w0, w17
    bl alq_resolve
    mov x16, x0
    alq_restore
    br x16
#endif
    .cfi_endproc
    .size alq_resolve_stub, . - alq_resolve_stub

#if defined(ALQ_WAITS)
    .hidden alq_bare_wait
    /* comes back to who called it with nothing changed; aarch64: to x17 */
    .p2align 4
    .type alq_wait_stub, FUNCTION_TYPE
alq_wait_stub:
    .cfi_startproc
#if defined(__x86_64__)
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    alq_save
    call alq_bare_wait
    alq_restore
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    ret
#else
    alq_save
    bl alq_bare_wait
    alq_restore
    br x17
#endif
    .cfi_endproc
    .size alq_wait_stub, . - alq_wait_stub
#endif

    .set alq_index, 0
#include ALQ_TABLE

#undef PASS
#undef HOOK
#undef GATE
#undef GATED
#define PASS(name) WORD alq_stub_##name
#define HOOK(name, family, class) WORD alq_stub_##name
#define GATE(name) WORD alq_stub_##name
#define GATED(name, family, class) WORD alq_stub_##name

    .data
    .p2align 6
#if defined(ALQ_WAITS)
    /* in a cache line that is only read */
    .globl alq_bare
    .type alq_bare, OBJECT_TYPE
alq_bare:
    .long 0
    .size alq_bare, . - alq_bare
    .p2align 6
#endif
    .globl alq_slots
    .type alq_slots, OBJECT_TYPE
alq_slots:
#include ALQ_TABLE
    .size alq_slots, . - alq_slots

#undef PASS
#undef HOOK
#undef GATE
#undef GATED
#define PASS(name) alq_name name
#define HOOK(name, family, class) alq_name name
#define GATE(name) alq_name name
#define GATED(name, family, class) alq_name name

    .macro alq_name name
    .pushsection .rodata.alq_names, "aMS", %progbits, 1
alq_name_\name:
    .asciz "\name"
    .popsection
    WORD alq_name_\name
    .endm

    .section .data.rel.ro, "aw", %progbits
    .p2align 3
    .globl alq_names
    .type alq_names, OBJECT_TYPE
alq_names:
#include ALQ_TABLE
    .size alq_names, . - alq_names

#if defined(ALQ_WAITS)
#undef PASS
#undef HOOK
#undef GATE
#undef GATED
#define PASS(name) WORD name
#define HOOK(name, family, class) WORD name
#define GATE(name) WORD name
#define GATED(name, family, class) WORD name
    .p2align 3
    .globl alq_entries
    .hidden alq_entries
    .type alq_entries, OBJECT_TYPE
alq_entries:
#include ALQ_TABLE
    .size alq_entries, . - alq_entries
#endif

    .section .note.GNU-stack, "", %progbits

#if defined(__x86_64__)
    /* indirect-branch tracking and shadow stacks are fine with this code */
    .section .note.gnu.property, "a"
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 3, 0
#elif defined(__aarch64__)
    /* branch target identification is fine with this code */
    .section .note.gnu.property, "a"
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000000, 4, 1, 0
#endif
