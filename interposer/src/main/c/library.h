/*
 * The real library behind a stand-in, and the table of functions between them. Shared by both stand-ins: each is built with
 * ALQ_TABLE naming its table (functions.def, nvml_functions.def), and each defines one `alq_library`.
 *
 * Glossary
 *   row        a function of the table; its index is its place there (ALQ_FN_<name>)
 *   slot       where a row's jump goes: the resolver's stub at first, the real function once that is known
 *   hook       our function in place of the real one: alq_hook_<name>, with the real one's type
 *
 * Failure contract: a slot never holds NULL. Until the real library can be opened each call of it answers `not_ready`, and the
 * next call tries again; a function that the real library lacks answers `missing`, for good.
 */
#ifndef ALIQUOT_INTERPOSER_LIBRARY_H
#define ALIQUOT_INTERPOSER_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"

#define PASS(name) ALQ_FN_##name,
#define HOOK(name, family, class) ALQ_FN_##name,
#define GATE(name) ALQ_FN_##name,
#define GATED(name, family, class) ALQ_FN_##name,
#define DATA(name)
enum alq_function {
#include ALQ_TABLE
    ALQ_FN_COUNT
};
#undef PASS
#undef HOOK
#undef GATE
#undef GATED
#undef DATA

struct alq_library {
    size_t path_offset; /* of the real library's path in struct alq_control_page */
    int not_ready;      /* answer of every function while the real library cannot be opened */
    int missing;        /* answer of a function that the real library lacks */
    uint32_t wait_ms;   /* how long the first use waits for a control page; later uses do not wait */
};

/* Defined once by each stand-in. */
extern const struct alq_library alq_library;

/* Shared state of trampoline.S and library.c. */
extern void *alq_slots[ALQ_FN_COUNT];
extern const char *const alq_names[ALQ_FN_COUNT];
/* Our exported entries. Only in the CUDA stand-in. */
extern void *const alq_entries[ALQ_FN_COUNT];

/* The real function of a row, typed: ALQ_REAL(cuInit)(0). The slot resolves itself at the first call. */
#define ALQ_REAL(name) ((__typeof__(name) *)__atomic_load_n(&alq_slots[ALQ_FN_##name], __ATOMIC_ACQUIRE))

/* Opens the real library by its full path; NULL where that is not possible (yet). Thread-safe, holds no lock while the real
 * library's constructors run. */
void *alq_library_open(void);

/* Whether the real library is open and has this function. */
bool alq_library_has(enum alq_function function);

/* Has the slot of a row hold the real function from now on, where the real library is open. */
void alq_library_resolve(enum alq_function function);

/* The real library's address of a row, or NULL; does not touch the slot. */
void *alq_library_symbol(enum alq_function function);

#endif
