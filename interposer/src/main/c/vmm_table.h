/*
 * Sorted tables of handles and of mappings, each entry leading to what is behind it. Not thread-safe: who has one holds a lock.
 */
#ifndef ALIQUOT_INTERPOSER_VMM_TABLE_H
#define ALIQUOT_INTERPOSER_VMM_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorted by key. For handles: uses is how often the handle must be released; for mappings: size of the range. */
struct alq_vmm_entry {
    uint64_t key;
    uint64_t extent;
    void *what;
};

struct alq_vmm_table {
    struct alq_vmm_entry *entries;
    size_t count;
    size_t capacity;
};

/* The first entry whose key is not below; may be the table's count. */
size_t alq_vmm_at(const struct alq_vmm_table *table, uint64_t key);

/* The entry of that key, or NULL. */
struct alq_vmm_entry *alq_vmm_get(const struct alq_vmm_table *table, uint64_t key);

/* False: no memory. */
bool alq_vmm_put(struct alq_vmm_table *table, struct alq_vmm_entry entry);

void alq_vmm_remove(struct alq_vmm_table *table, const struct alq_vmm_entry *entry);

#endif
