/*
 * Between a tenant's processes and the agent: two shared pages and one socket, all in the tenant's directory.
 *
 *   <tenant directory>/control      made and written by the agent, 0444: the tenant can only read it
 *   <tenant directory>/usage        made by the agent, written by the tenant: one slot per process
 *   <tenant directory>/agent.sock   stream socket, served by the agent
 *
 * Glossary
 *   slot      a process of the tenant that uses CUDA; the agent gives it an index at HELLO and takes it back when it is gone
 *   credit    bytes of a device that a slot may hold right now; only the agent writes it (control page)
 *   used      bytes of a device that a slot holds or is about to ask the driver for; only that process writes it (usage page)
 *   overhead  bytes of a device that the driver holds for the tenant's processes beyond what they report (contexts, modules)
 *   loan      what a tenant holds beyond its request: lent, and taken back when its owner needs it
 *   movable   memory of a device that this library can move away and back under its own address (its pieces are mapped)
 *   demoted   data of movable memory that lies in host chunks, mapped at its own address: kernels go on, over the bus. Not in `used`
 *   away      a process that has been told to move all it can off a device and to stay at rest: its next call that needs the device
 *             waits until the agent has let it come back (RESUME)
 *   bare      a parked process whose library has imported nothing and calls the driver no more: it can be checkpointed, and restored
 *   chunk     pinned host memory that the agent makes and hands to a process as a file descriptor; it is the tenant's until the
 *             tenant's last process is gone
 *   pinned    memory of movable kind that cannot move, for a reason that can be named (enum alq_pin_reason), as long as that lasts
 *   share     one allocation that a process has handed to the tenant's other processes: the agent keeps a descriptor of each of its
 *             pieces. It is not movable as long as it is shared, and its maker is charged for it
 *
 * How a limit holds without a lock
 *   A process adds to its own `used` first and reads its own `credit` after that; the agent lowers a `credit` first and reads
 *   `used` after that, both sequentially consistent. So either the process sees the lower credit and withdraws, or the agent
 *   sees the higher use and gives the credit back. The sum of all credits plus the overhead never exceeds the tenant's limit,
 *   so no set of threads or processes can pass it together, and a process killed at any instruction leaves nothing behind but
 *   its own slot.
 *
 * How lent memory is taken back
 *   The agent lowers the slot's `resident` and wakes the slot (a futex on its `wake` word). The process's own thread then demotes
 *   pieces until `used` <= `resident`, fetching a host chunk for each (TAKE_CHUNK), and says how it went (MOVED). `used` falls as
 *   pieces go, and the agent lowers the credit behind it. When there is room again the agent raises credit and `resident` and
 *   wakes the slot; its thread charges, as any allocation does, promotes, and gives the chunks back (RETURN_CHUNK). What is asked
 *   stands in the page and not in a message: a new agent and a process that was not listening see it all the same.
 *
 * How an idle process is swapped out
 *   The agent sets the device's bit in the slot's `away`, lowers `resident` to what cannot move and wakes the slot. The process's own
 *   thread fetches the chunks, closes the gate, moves everything in one go, and leaves the gate closed: it is parked, and says so in the usage
 *   page and with a MOVED for each device. A call that comes to the gate then has the thread send RESUME, which is answered when
 *   the agent has made room: `away` is 0, credit and `resident` are raised. Data comes back before the call goes on; what is not given
 *   room stays demoted. Tenants take turns, so the answer may take ALQ_RESUME_WAIT_MS. The agent may also clear `away` by itself. Where no agent answers RESUME, the process opens its gate with its data
 *   demoted, and does not park again for the same `wake`.
 *
 * How a parked process gives up the rest of the device
 *   What cannot move (contexts, modules, and all memory of a tenant that does not borrow) only the driver's checkpoint takes off a device, and a
 *   process that holds imported handles is never restored. One that has nothing to move parks like any other, and moves nothing.
 *   The agent sets the slot's `deep` and wakes the slot. The process's own thread gives back the chunks without data, fetches a
 *   descriptor for every other one (REOPEN_CHUNK), unmaps all of them and releases their handles: it is bare, and says so in the usage page
 *   and with a MOVED for each device that it is away from. From then on the agent may lock and checkpoint the process. What keeps it
 *   from going bare leaves it parked as it was; MOVED says why, and nothing is tried before `wake` changes.
 *   A call that comes to the gate, or any other call of the driver, has a RESUME sent, which is repeated each second until it is granted: without an
 *   agent that restores it a bare process cannot go on. The agent clears `deep`, whether by itself or for a RESUME, only while the driver serves
 *   the process: restored and unlocked, or never locked. The chunks are imported again then, and the process is parked as before.
 *   A process that was given another slot while it was bare cannot know what an agent that is new to it has done: there `deep` counts only
 *   once a RESUME has been granted.
 *
 * How movable memory is shared
 *   Legacy IPC handles do not lead to memory that is mapped in pieces. So the process that is asked for one pins the allocation, exports a
 *   descriptor of each piece and names it in a SHARE; the agent fetches it from the process (pidfd_getfd), which closes its own after the
 *   answer. The handle that the program gets has the share's id in it. Any other process of the tenant fetches the pieces' descriptors by
 *   that id (OPEN_SHARE) and maps them; it needs neither the maker nor the agent after that. The agent lets go of a share when its maker says so
 *   (UNSHARE) or is gone, and when the tenant ends. Its successor has none: what was shared cannot be opened any more, what is open stays.
 *
 * Failure contract
 *   No agent: the pages stay mapped, allocations within credit go on, a larger one waits `agent_wait_ms` for the agent and
 *   then gets CUDA_ERROR_OUT_OF_MEMORY. Every connection is made for one exchange and closed after it, so that the library
 *   keeps no file descriptor open in the tenant. A frame the agent cannot accept is answered with STATUS_MALFORMED and the
 *   connection is closed; no other connection notices.
 *
 * All integers are little-endian. Both pages are exactly as large as stated; reserved bytes are zero.
 */
#ifndef ALIQUOT_PROTOCOL_H
#define ALIQUOT_PROTOCOL_H

#include <stdint.h>

#define ALQ_PROTOCOL_VERSION 1u

/* How long a RESUME waits for its answer, unless `agent_wait_ms` is longer. */
#define ALQ_RESUME_WAIT_MS 300000u

#define ALQ_MAX_DEVICES 16u
#define ALQ_MAX_SLOTS 512u
#define ALQ_UUID_BYTES 48u
#define ALQ_PATH_BYTES 256u
#define ALQ_NAME_BYTES 64u

/* Where a process finds its tenant directory: the environment, else the place a container has it mounted. The environment
 * only names the place; what may be held there is the agent's. */
#define ALQ_TENANT_DIR_ENV "ALIQUOT_TENANT_DIR"
#define ALQ_TENANT_DIR_DEFAULT "/run/aliquot/tenant"
#define ALQ_CONTROL_FILE "control"
#define ALQ_USAGE_FILE "usage"
#define ALQ_SOCKET_FILE "agent.sock"

/* ---- control page ------------------------------------------------------------------------------------------------- */

#define ALQ_CONTROL_MAGIC 0x43514c41u /* "ALQC" */

enum alq_tenant_state {
    ALQ_TENANT_STARTING = 0, /* page not filled in yet */
    ALQ_TENANT_READY = 1,
    ALQ_TENANT_CLOSED = 2 /* the agent has ended this tenant: nothing new may be held */
};

/* One device of the tenant. */
struct alq_control_device {
    char uuid[ALQ_UUID_BYTES];       /* 0: "GPU-...", zero-terminated */
    uint64_t request_bytes;          /* 48 */
    uint64_t limit_bytes;            /* 56: what the tenant sees as the device's total */
    uint64_t overhead_bytes;         /* 64: for all processes of the tenant, from ground truth */
    uint64_t context_estimate_bytes; /* 72: what a new context is expected to take; 0 where unknown */
    uint64_t other_used_bytes;       /* 80: held on this device by the tenant outside of any slot's report */
    uint64_t flags;                  /* 88: ALQ_DEVICE_... */
    uint64_t reserved[4];            /* 96 */
};                                   /* 128 bytes */

/* The tenant may borrow: memory behind cuMemAlloc* has to be movable, and what is not must fit the request. May be set later. */
#define ALQ_DEVICE_MOVABLE 1ull
/* Its processes may be told to leave the device, whatever they hold there: they listen from their first context on. */
#define ALQ_DEVICE_LEAVES 2ull
/* The agent wants to know whether they use the device: they count what they submit, from when they see this on. May be set later. */
#define ALQ_DEVICE_COUNTS 4ull

/* One process of the tenant. host_pid == 0: free. */
struct alq_control_slot {
    uint32_t host_pid;                      /* 0: in the agent's pid namespace */
    uint32_t tenant_pid;                    /* 4: in the process's own pid namespace */
    uint64_t start_time;                    /* 8: field 22 of /proc/<host_pid>/stat, so that a reused pid is told apart */
    uint64_t generation;                    /* 16: odd while taken; changes whenever the slot changes hands */
    uint32_t wake;                          /* 24: changes, and its waiters are woken, when `resident` has */
    uint32_t away;                          /* 28: a bit for each device that the process is to be off; 0: it may run */
    uint64_t host_bytes;                    /* 32: chunks that the process has in its hands */
    uint32_t deep;                          /* 40: 1: a parked process is to be bare; 0: the driver serves it */
    uint32_t reserved1;                     /* 44 */
    uint64_t reserved[2];                   /* 48 */
    uint64_t credit_bytes[ALQ_MAX_DEVICES]; /* 64 */
    /* 192: the most of `used` that may stay on the device; ALQ_RESIDENT_ALL: nobody wants anything back */
    uint64_t resident_bytes[ALQ_MAX_DEVICES];
    /* 320: the most that the process can hold: its credit, or more while it gives back; what it held when the driver took that off, until it is
     * back. For the agent's successor */
    uint64_t covered_bytes[ALQ_MAX_DEVICES];
    uint32_t context_mib[ALQ_MAX_DEVICES]; /* 448: what its contexts take while they are off the device. For the agent's successor */
};                                         /* 512 bytes */

#define ALQ_RESIDENT_ALL UINT64_MAX

struct alq_control_page {
    uint32_t magic;                                    /* 0 */
    uint32_t version;                                  /* 4: ALQ_PROTOCOL_VERSION */
    uint32_t state;                                    /* 8: enum alq_tenant_state */
    uint32_t device_count;                             /* 12 */
    uint64_t heartbeat_ns;                             /* 16: CLOCK_MONOTONIC of the agent's last sign of life */
    uint32_t gate;                                     /* 24: reserved for swap; 0 = open */
    uint32_t agent_wait_ms;                            /* 28: how long to wait for an absent agent */
    uint64_t agent_epoch;                              /* 32: changes at every start of the agent */
    uint8_t reserved[24];                              /* 40 */
    char tenant[ALQ_NAME_BYTES];                       /* 64 */
    char cuda_library[ALQ_PATH_BYTES];                 /* 128: full path of the driver library to open */
    char nvml_library[ALQ_PATH_BYTES];                 /* 384 */
    uint8_t reserved2[1408];                           /* 640 */
    struct alq_control_device devices[ALQ_MAX_DEVICES]; /* 2048 */
    struct alq_control_slot slots[ALQ_MAX_SLOTS];      /* 4096 */
};                                                     /* 266240 bytes */

/* ---- usage page --------------------------------------------------------------------------------------------------- */

#define ALQ_USAGE_MAGIC 0x55514c41u /* "ALQU" */

enum alq_parked {
    ALQ_NOT_PARKED = 0,
    ALQ_PARKED_HOT = 1, /* the process is away and its gate closed */
    ALQ_PARKED_BARE = 2 /* and it is bare */
};

/* Why memory of a process stays on its device. */
enum alq_pin_reason {
    ALQ_PINNED_SHARED = 1,   /* other processes have a legacy IPC handle of it */
    ALQ_PINNED_EXPORTED = 2, /* exported, bound to a multicast object or an array, or mapped twice or in part: the driver's own */
    ALQ_PINNED_HOST = 3,     /* the host has access to it where it is mapped */
    ALQ_PINNED_RDMA = 4,     /* there is a dma-buf of it */
    ALQ_PINNED_OPENED = 5    /* another process's, opened, or imported and mapped, here: not in `used` */
};

/* A word says for one reason and one device how many bytes that are; 0 bytes: nothing. A process for which there are not words enough leaves
 * the rest unsaid; two words may be about the same. */
#define ALQ_PIN_WORDS 8u
#define ALQ_PIN_BYTES_MASK ((1ull << 48) - 1)
#define ALQ_PIN_DEVICE_SHIFT 48u /* 8 bits */
#define ALQ_PIN_REASON_SHIFT 56u /* 8 bits: enum alq_pin_reason */

/* Written by one process only; the agent reads it as a claim, never as a fact, and zeroes it when it takes the slot back. */
struct alq_usage_slot {
    uint64_t generation;                  /* 0: copied from the control slot at attach; a report of another generation is void */
    uint32_t state;                       /* 8: 0 = free, 1 = attached */
    uint32_t parked;                      /* 12: enum alq_parked */
    uint64_t refusals;                    /* 16: allocations answered with CUDA_ERROR_OUT_OF_MEMORY because of the limit */
    uint64_t changes;                     /* 24: grows with every change of `used`, before it and after it */
    uint64_t in_flight;                   /* 32: driver calls between their charge and their outcome; while it is not 0, ground
                                           * truth less `used` may be too low */
    uint64_t submissions;                 /* 40: grows with calls that need a device; brought up to date whenever the slot is woken */
    uint64_t reserved2[2];                /* 48 */
    uint64_t used_bytes[ALQ_MAX_DEVICES]; /* 64 */
    uint64_t demoted_bytes[ALQ_MAX_DEVICES]; /* 192 */
    uint64_t movable_bytes[ALQ_MAX_DEVICES]; /* 320: the part of `used` that could be demoted */
    uint64_t pins[ALQ_PIN_WORDS];            /* 448: what is pinned, and why */
};                                           /* 512 bytes */

struct alq_usage_page {
    uint32_t magic;   /* 0 */
    uint32_t version; /* 4 */
    uint8_t reserved[4088];
    struct alq_usage_slot slots[ALQ_MAX_SLOTS]; /* 4096 */
};                                              /* 266240 bytes */

/* ---- frames -------------------------------------------------------------------------------------------------------- */

#define ALQ_FRAME_MAGIC 0x46514c41u /* "ALQF" */
#define ALQ_FRAME_MAX_PAYLOAD 4096u

struct alq_frame {
    uint32_t magic;      /* 0 */
    uint16_t version;    /* 4: ALQ_PROTOCOL_VERSION */
    uint16_t type;       /* 6: enum alq_frame_type */
    uint32_t length;     /* 8: payload bytes that follow, at most ALQ_FRAME_MAX_PAYLOAD */
    uint32_t request_id; /* 12: the answer carries the request's */
};                       /* 16 bytes */

enum alq_frame_type {
    /* "I am a process of this tenant": payload alq_hello; answered with WELCOME or REFUSED. Said once per process; said again it
     * gets the same slot. Who is asking is read from the socket's peer credentials. */
    ALQ_FRAME_HELLO = 1,
    ALQ_FRAME_WELCOME = 2, /* payload alq_welcome */
    /* "Let me hold wanted_bytes of device": payload alq_ask; answered with GRANTED (the slot's credit, already in the control
     * page, is at least wanted_bytes) or REFUSED. May block while the agent makes room. */
    ALQ_FRAME_ASK = 3,
    ALQ_FRAME_GRANTED = 4, /* payload alq_granted */
    /* "The driver may just have taken memory that I cannot count": payload alq_settle; answered with GRANTED once the
     * overhead in the control page is fresh. */
    ALQ_FRAME_SETTLE = 5,
    /* "I am about to leave CUDA for good" (cuda library unloaded, orderly exit): payload alq_bye, answered with GRANTED. */
    ALQ_FRAME_BYE = 6,
    /* "Let me have a host chunk of `bytes` for data of this device": payload alq_take_chunk; answered with CHUNK, followed by one
     * byte that carries the chunk's descriptor (SCM_RIGHTS), or with REFUSED (ALQ_STATUS_HOST_POOL). A new one is to be had only while
     * `resident` is not ALQ_RESIDENT_ALL, and for as much as has to move for that, in whole pieces. */
    ALQ_FRAME_TAKE_CHUNK = 7,
    ALQ_FRAME_CHUNK = 8, /* payload alq_chunk_given */
    /* "I have let go of this chunk": payload alq_return_chunk; answered with GRANTED. */
    ALQ_FRAME_RETURN_CHUNK = 9,
    /* "I have done with `resident` what I could": payload alq_moved; answered with GRANTED. Said after each change of `wake`, and
     * whenever something has been moved. */
    ALQ_FRAME_MOVED = 10,
    /* "A call of mine needs a device that I am off": payload alq_resume; answered with GRANTED once the process may run: everything the
     * agent gives it stands in the page by then. Blocks while the agent makes room. */
    ALQ_FRAME_RESUME = 11,
    /* "Let me have another descriptor of a chunk that I have in my hands": payload alq_reopen_chunk; answered as TAKE_CHUNK is, with that
     * very chunk. */
    ALQ_FRAME_REOPEN_CHUNK = 12,
    /* "Let the tenant's other processes have this piece of my memory": payload alq_share; answered with SHARED, without a descriptor. Piece
     * 0 comes first, with id 0, and makes the share; the others follow in order, under the id that was answered. */
    ALQ_FRAME_SHARE = 13,
    /* "This share is over": payload alq_unshare; answered with GRANTED. Its maker's to say. */
    ALQ_FRAME_UNSHARE = 14,
    ALQ_FRAME_REFUSED = 15, /* payload alq_refused */
    /* "Let me have a descriptor of a piece of a share": payload alq_open_share; answered with SHARED, followed by one byte that carries the
     * descriptor, or with REFUSED (ALQ_STATUS_NO_SHARE). A share that lacks a piece is none yet. */
    ALQ_FRAME_OPEN_SHARE = 16,
    ALQ_FRAME_SHARED = 17 /* payload alq_shared */
};

struct alq_hello {
    uint32_t tenant_pid; /* getpid() of the process, for display and for its own process lists */
    uint32_t flags;      /* 0 */
};

struct alq_welcome {
    uint32_t slot;
    uint32_t reserved;
    uint64_t generation;
};

struct alq_ask {
    uint32_t slot;
    uint32_t device; /* index into the control page's devices */
    uint64_t generation;
    uint64_t wanted_bytes; /* what `used` would be with this allocation in it */
};

struct alq_settle {
    uint32_t slot;
    uint32_t device;
    uint64_t generation;
};

struct alq_bye {
    uint32_t slot;
    uint32_t reserved;
    uint64_t generation;
};

struct alq_granted {
    uint64_t credit_bytes; /* the slot's credit on that device now; 0 for BYE, RETURN_CHUNK, UNSHARE and RESUME */
};

struct alq_take_chunk {
    uint32_t slot;
    uint32_t device;
    uint64_t generation;
    uint64_t bytes; /* the size of the piece that is to be demoted: chunk and piece are of one size */
};

struct alq_chunk_given {
    uint64_t id; /* the agent's name of the chunk, never 0 */
    uint64_t bytes;
};

struct alq_return_chunk {
    uint32_t slot;
    uint32_t reserved;
    uint64_t generation;
    uint64_t id;
};

struct alq_reopen_chunk {
    uint32_t slot;
    uint32_t reserved;
    uint64_t generation;
    uint64_t id;
};

struct alq_resume {
    uint32_t slot;
    uint32_t reserved;
    uint64_t generation;
};

/* The most pieces of a share. */
#define ALQ_SHARE_PIECES 4096u

struct alq_share {
    uint32_t slot;
    uint32_t descriptor; /* a number of the sender's; it stays open until the answer */
    uint64_t generation;
    uint64_t id;    /* 0: a new share */
    uint64_t bytes; /* of the piece */
    uint32_t piece;
    uint32_t pieces; /* of the share: the same in each of its frames */
};

struct alq_unshare {
    uint32_t slot;
    uint32_t reserved;
    uint64_t generation;
    uint64_t id;
};

struct alq_open_share {
    uint32_t slot;
    uint32_t piece;
    uint64_t generation;
    uint64_t id;
};

struct alq_shared {
    uint64_t id;    /* random, never 0, never used twice */
    uint64_t bytes; /* of the piece, as its maker said it */
    uint32_t piece;
    uint32_t pieces;
};

/* How an attempt to come down to `resident`, to come back from it, or to go bare, ended. */
enum alq_move_outcome {
    ALQ_MOVE_DONE = 0,       /* used <= resident; or nothing is left to promote within credit; or bare */
    ALQ_MOVE_NOTHING = 1,    /* no movable memory is left on the device */
    ALQ_MOVE_HOST_POOL = 2,  /* the agent gave no chunk */
    ALQ_MOVE_BUSY = 3,       /* the device did not finish what had been submitted in time (a kernel that does not end); or somebody needs it */
    ALQ_MOVE_CAPTURING = 4,  /* a stream was being captured all the time */
    ALQ_MOVE_FAILED = 5,     /* the driver refused a step, or this process can never be bare; the data is where it was */
    ALQ_MOVE_DESCRIPTORS = 6 /* no room for a descriptor of every chunk */
};

struct alq_moved {
    uint32_t slot;
    uint32_t device;
    uint64_t generation;
    uint16_t outcome;  /* 16: enum alq_move_outcome */
    uint16_t promoted; /* 18: 0: demoted, 1: promoted */
    uint32_t wake;     /* 20: the control slot's `wake` as it was before `resident` was read: of what the agent has asked for since then
                        * this says nothing */
    uint64_t moved_bytes;
    uint64_t copy_ns;   /* the time the copies alone took */
    uint64_t closed_ns; /* how long the program was kept from submitting work */
};

enum alq_status {
    ALQ_STATUS_LIMIT = 1,         /* would pass the tenant's limit */
    ALQ_STATUS_NOT_A_TENANT = 2,  /* the peer is no process of this tenant */
    ALQ_STATUS_MALFORMED = 3,     /* bad magic, length, type or field */
    ALQ_STATUS_VERSION = 4,       /* a protocol version this agent does not speak */
    ALQ_STATUS_NO_SLOT = 5,       /* more processes than ALQ_MAX_SLOTS */
    ALQ_STATUS_STALE = 6,         /* slot or generation is not this process's: say HELLO again */
    ALQ_STATUS_CLOSED = 7,        /* the tenant has been ended */
    ALQ_STATUS_UNAVAILABLE = 8,   /* the device is gone or the agent is stopping */
    ALQ_STATUS_HOST_POOL = 9,     /* no host chunk of that size can be had */
    ALQ_STATUS_AWAY = 10,         /* the process is to be off the device: it comes to its gate, and asks again once it is back */
    ALQ_STATUS_NO_SHARE = 11      /* there is no such share, or it cannot be made */
};

struct alq_refused {
    uint32_t status; /* enum alq_status */
    uint32_t reason_bytes;
    char reason[192]; /* a sentence for a person, not zero-terminated beyond reason_bytes */
};

_Static_assert(sizeof(struct alq_control_device) == 128, "control device");
_Static_assert(sizeof(struct alq_control_slot) == 512, "control slot");
_Static_assert(sizeof(struct alq_control_page) == 266240, "control page");
_Static_assert(sizeof(struct alq_usage_slot) == 512, "usage slot");
_Static_assert(sizeof(struct alq_usage_page) == 266240, "usage page");
_Static_assert(sizeof(struct alq_frame) == 16, "frame");
_Static_assert(sizeof(struct alq_take_chunk) == 24, "take chunk");
_Static_assert(sizeof(struct alq_return_chunk) == 24, "return chunk");
_Static_assert(sizeof(struct alq_reopen_chunk) == 24, "reopen chunk");
_Static_assert(sizeof(struct alq_share) == 40, "share");
_Static_assert(sizeof(struct alq_unshare) == 24, "unshare");
_Static_assert(sizeof(struct alq_open_share) == 24, "open share");
_Static_assert(sizeof(struct alq_shared) == 24, "shared");
_Static_assert(sizeof(struct alq_moved) == 48, "moved");
_Static_assert(sizeof(struct alq_refused) == 200, "refused");

#endif
