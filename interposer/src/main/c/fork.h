/*
 * fork: the child shares the parent's pages but not its slot. It starts unattached, with nothing held and nothing tracked; CUDA's
 * own contexts do not survive a fork either. Its own cuInit attaches it afresh.
 */
#ifndef ALIQUOT_INTERPOSER_FORK_H
#define ALIQUOT_INTERPOSER_FORK_H

/* Registers the child's handler, once. Before the process attaches for the first time. */
void alq_fork_watch(void);

/* What the child's handler resets; each only touches its own state, and none takes a lock or allocates. */
void alq_charge_after_fork(void);
void alq_lent_after_fork(void);
void alq_ask_after_fork(void);
void alq_pointers_after_fork(void);
void alq_small_after_fork(void);
void alq_pool_after_fork(void);
void alq_graph_after_fork(void);
void alq_graph_blocks_after_fork(void);
void alq_notes_after_fork(void);
void alq_vmm_after_fork(void);
void alq_virtual_after_fork(void);
void alq_context_after_fork(void);
void alq_capture_after_fork(void);
void alq_contexts_after_fork(void);
void alq_movables_after_fork(void);
void alq_movable_after_fork(void);
void alq_peers_after_fork(void);
void alq_kept_after_fork(void);
void alq_chunks_after_fork(void);
void alq_drain_after_fork(void);
void alq_stash_after_fork(void);
void alq_swap_after_fork(void);
void alq_bare_after_fork(void);
void alq_deep_after_fork(void);
void alq_descriptors_after_fork(void);
void alq_share_after_fork(void);
void alq_mover_after_fork(void);

#endif
