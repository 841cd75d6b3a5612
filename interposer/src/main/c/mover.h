/*
 * The mover: the library's own thread, which brings movable memory down to what the agent lets stay on a device, and back.
 *
 * It is started with the first movable block, or with the first context where the process may be told to leave whatever it holds
 * (ALQ_DEVICE_LEAVES), and again after a fork when it is needed; all signals are blocked in it, it never keeps the
 * process alive, and it sleeps in a futex on its slot's `wake` word: nothing of it runs until the agent, or memory that is freed while
 * some of it is demoted, or a thread that comes to a parked gate (swap.h), wakes it. Each time it first says how much the process has
 * submitted. Only while something it was asked for has failed does it look again by itself, ever less often.
 *
 * It takes no lock that a thread holds while that thread waits for the agent or for a device.
 */
#ifndef ALIQUOT_INTERPOSER_MOVER_H
#define ALIQUOT_INTERPOSER_MOVER_H

#include <stdbool.h>

/* Idempotent, one load once it runs. False: there can be no thread. */
bool alq_mover_start(void);

/* The process has a context on that device: starts the mover if the agent may tell it to leave, and has it count if the agent wants that. */
void alq_mover_listen(int device);

/* Something has changed that the mover acts upon, other than the agent's word: have it look. Nothing where it does not run. */
void alq_mover_kick(void);

#endif
