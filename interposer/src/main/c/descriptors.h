/*
 * Descriptors that are kept while a process is bare. A program must not notice them: they have numbers beyond those that its limit lets it
 * have, or at least high ones, so that no low number is missing and select() goes on working; its limit is raised only while they are
 * fetched, never above the hard one, and put back; they end with exec, and a child of fork closes them.
 *
 * The mover alone. What a child of vfork inherits of the limit at that moment it keeps.
 */
#ifndef ALIQUOT_INTERPOSER_DESCRIPTORS_H
#define ALIQUOT_INTERPOSER_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* Makes places for that many, and raises the limit for them. False: the hard limit does not allow so many; nothing has changed. */
bool alq_descriptors_begin(size_t count);

/* Puts a descriptor, to be closed with alq_agent_close, into an empty place, under a number of its own. False: there is no number for it; it is
 * closed. */
bool alq_descriptors_put(size_t at, int descriptor);

/* Puts the limit back, unless the program has changed it meanwhile. */
void alq_descriptors_settle(void);

/* What is in a place; -1: nothing. */
int alq_descriptors_get(size_t at);

/* Closes what is in a place. */
void alq_descriptors_close(size_t at);

/* Closes all, and puts the limit back. */
void alq_descriptors_end(void);

#endif
