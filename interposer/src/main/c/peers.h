/*
 * Which devices may reach the memory of which: plain memory is reachable for every context that enabled peer access, mapped memory only
 * for devices that are named. Kept by device, not by context: a second context of a device may reach a little more than it would.
 *
 * Thread-safe. Changes are made inside the gate.
 */
#ifndef ALIQUOT_INTERPOSER_PEERS_H
#define ALIQUOT_INTERPOSER_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include <aliquot/cuda_abi.h>

#define ALQ_ACCESSES 64

/* Who may reach new memory of a device: itself first, then its peers. How many there are. */
size_t alq_peers_access(CUdevice ordinal, CUmemAccessDesc list[ALQ_ACCESSES]);

/* Changes whenever an answer of alq_peers_access may have. */
uint32_t alq_peers_version(void);

#endif
