/*
 * A statically linked program that runs another one by a loader of its own: it maps the system's dynamic loader into itself, as execve
 * would, and enters it with an empty environment. There is no execve that anybody could see, no interpreter that would preload a library,
 * and the process goes on as this file; a driver that a static C library opens itself could not start a thread.
 *
 *   static_tenant LOADER PROGRAM [ARGUMENT ...]
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_HEADERS 32
#define MOST_AUXILIARY 64
#define STACK_BYTES ((size_t)8 << 20)

static Elf64_Ehdr header;
static Elf64_Phdr parts[MOST_HEADERS];

static void check(int fine, const char *what)
{
    if (!fine) {
        perror(what);
        exit(1);
    }
}

static uintptr_t down(uintptr_t address)
{
    return address & ~((uintptr_t)getpagesize() - 1);
}

static int protection(const Elf64_Phdr *part)
{
    return (part->p_flags & PF_R ? PROT_READ : 0) | (part->p_flags & PF_W ? PROT_WRITE : 0)
        | (part->p_flags & PF_X ? PROT_EXEC : 0);
}

/* The part of the file, and the zeroes after it to the page's end. */
static void map_part(int file, uintptr_t base, const Elf64_Phdr *part)
{
    uintptr_t begin = down(base + part->p_vaddr);
    uintptr_t file_end = base + part->p_vaddr + part->p_filesz;
    uintptr_t file_pages_end = down(file_end + (uintptr_t)getpagesize() - 1);
    uintptr_t end = base + part->p_vaddr + part->p_memsz;
    void *at = mmap((void *)begin, file_end - begin, protection(part), MAP_PRIVATE | MAP_FIXED, file, (off_t)down(part->p_offset));
    check(at != MAP_FAILED, "mmap");
    if (end > file_end) {
        memset((void *)file_end, 0, file_pages_end - file_end);
    }
    if (end > file_pages_end) {
        at = mmap((void *)file_pages_end, end - file_pages_end, protection(part), MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
        check(at != MAP_FAILED, "mmap");
    }
}

/* Where it lies. */
static uintptr_t map(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    check(file >= 0, path);
    check(pread(file, &header, sizeof header, 0) == (ssize_t)sizeof header && header.e_phnum <= MOST_HEADERS, path);
    size_t bytes = header.e_phnum * sizeof *parts;
    check(pread(file, parts, bytes, (off_t)header.e_phoff) == (ssize_t)bytes, path);
    uintptr_t end = 0;
    for (int i = 0; i < header.e_phnum; i++) {
        uintptr_t part_end = parts[i].p_vaddr + parts[i].p_memsz;
        end = parts[i].p_type == PT_LOAD && part_end > end ? part_end : end;
    }
    void *place = mmap(NULL, end, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(place != MAP_FAILED, "mmap");
    for (int i = 0; i < header.e_phnum; i++) {
        if (parts[i].p_type == PT_LOAD) {
            map_part(file, (uintptr_t)place, &parts[i]);
        }
    }
    close(file);
    return (uintptr_t)place;
}

/* What the kernel told this program, with the loader in its place. */
static void auxiliary(Elf64_auxv_t *values, uintptr_t base, const char *path)
{
    int file = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = read(file, values, MOST_AUXILIARY * sizeof *values);
    check(bytes > 0, "/proc/self/auxv");
    close(file);
    for (; values->a_type != AT_NULL; values++) {
        switch (values->a_type) {
        case AT_PHDR:
            values->a_un.a_val = base + header.e_phoff;
            break;
        case AT_PHNUM:
            values->a_un.a_val = header.e_phnum;
            break;
        case AT_ENTRY:
            values->a_un.a_val = base + header.e_entry;
            break;
        case AT_BASE:
            values->a_un.a_val = 0;
            break;
        case AT_EXECFN:
            values->a_un.a_val = (uintptr_t)path;
            break;
        default:
            break;
        }
    }
}

static void enter(uintptr_t entry, uintptr_t *stack)
{
#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%rsp\n\txor %%edx, %%edx\n\tjmp *%1" : : "r"(stack), "r"(entry) : "memory", "rdx");
#elif defined(__aarch64__)
    __asm__ volatile("mov sp, %0\n\tmov x0, xzr\n\tbr %1" : : "r"(stack), "r"(entry) : "memory", "x0");
#endif
    __builtin_unreachable();
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("static_tenant LOADER PROGRAM [ARGUMENT ...]\n", stderr);
        return 2;
    }
    uintptr_t base = map(argv[1]);
    char *memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    check(memory != MAP_FAILED, "mmap");
    size_t words = (size_t)argc + 3 + MOST_AUXILIARY * 2;
    uintptr_t *stack = (uintptr_t *)((uintptr_t)(memory + STACK_BYTES - words * sizeof *stack) & ~(uintptr_t)15);
    stack[0] = (uintptr_t)argc - 1;
    for (int i = 1; i <= argc; i++) {
        stack[i] = (uintptr_t)argv[i];
    }
    stack[argc + 1] = 0; /* no environment */
    auxiliary((Elf64_auxv_t *)&stack[argc + 2], base, argv[1]);
    enter(base + header.e_entry, stack);
}
