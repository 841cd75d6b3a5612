/* Binary search in arrays that grow: thousands of entries at most, changed rarely. */
#include "vmm_table.h"

#include <string.h>

#include "grow.h"

size_t alq_vmm_at(const struct alq_vmm_table *table, uint64_t key)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct alq_vmm_entry *alq_vmm_get(const struct alq_vmm_table *table, uint64_t key)
{
    size_t at = alq_vmm_at(table, key);
    return at < table->count && table->entries[at].key == key ? &table->entries[at] : NULL;
}

bool alq_vmm_put(struct alq_vmm_table *table, struct alq_vmm_entry entry)
{
    struct alq_vmm_entry *grown = alq_grown(table->entries, table->count, &table->capacity, sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    table->entries = grown;
    size_t at = alq_vmm_at(table, entry.key);
    memmove(&table->entries[at + 1], &table->entries[at], (table->count - at) * sizeof entry);
    table->entries[at] = entry;
    table->count++;
    return true;
}

void alq_vmm_remove(struct alq_vmm_table *table, const struct alq_vmm_entry *entry)
{
    size_t at = (size_t)(entry - table->entries);
    table->count--;
    memmove(&table->entries[at], &table->entries[at + 1], (table->count - at) * sizeof *entry);
}
