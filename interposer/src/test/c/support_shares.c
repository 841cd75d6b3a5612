/* Shares as the test agent keeps them: descriptors that it has fetched from processes. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fcntl.h>

#include "support_credit.h"

#define MAX_PIECES 1024

struct piece {
    uint64_t id, bytes;
    uint32_t slot, piece, pieces;
    int fd;
};

struct credit_shares {
    uint64_t last_id;
    uint32_t count;
    struct piece list[MAX_PIECES];
};

static struct piece *piece_of(struct credit_book *book, uint64_t id, uint32_t piece)
{
    for (uint32_t i = 0; book->shares != NULL && i < book->shares->count; i++) {
        if (book->shares->list[i].id == id && book->shares->list[i].piece == piece) {
            return &book->shares->list[i];
        }
    }
    return NULL;
}

static int fetch(pid_t peer, uint32_t number)
{
    int process = (int)syscall(SYS_pidfd_open, peer, 0);
    int fd = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, number, 0);
    if (process >= 0) {
        close(process);
    }
    return fd;
}

static int refuses(struct credit_book *book, uint32_t piece)
{
    uint32_t mode = atomic_load(&book->shared->share_mode);
    return mode == SHARES_REFUSED || (mode == SHARES_FIRST_ONLY && piece != 0);
}

static void say(struct credit_answer *said, const struct piece *piece)
{
    memset(said, 0, sizeof *said);
    said->type = ALQ_FRAME_SHARED;
    said->length = sizeof said->body.shared;
    said->body.shared =
        (struct alq_shared){.id = piece->id, .bytes = piece->bytes, .piece = piece->piece, .pieces = piece->pieces};
}

void credit_share(struct credit_book *book, pid_t peer, const struct alq_share *from, struct credit_answer *said)
{
    atomic_fetch_add(&book->shared->shares_asked, 1);
    if (book->shares == NULL) {
        book->shares = calloc(1, sizeof *book->shares);
        book->shares->last_id = (uint64_t)getpid() << 20; /* another agent's ids are others */
    }
    struct credit_shares *shares = book->shares;
    int fd = refuses(book, from->piece) || shares->count == MAX_PIECES ? -1 : fetch(peer, from->descriptor);
    if (fd < 0) {
        credit_refuse(said, ALQ_STATUS_NO_SHARE, "This is not shared.");
        return;
    }
    shares->list[shares->count] = (struct piece){.id = from->piece == 0 ? ++shares->last_id : from->id,
        .bytes = from->bytes,
        .slot = from->slot,
        .piece = from->piece,
        .pieces = from->pieces,
        .fd = fd};
    say(said, &shares->list[shares->count++]);
    atomic_store(&book->shared->shares_kept, shares->count);
}

void credit_open_share(struct credit_book *book, const struct alq_open_share *from, struct credit_answer *said)
{
    struct piece *piece = piece_of(book, from->id, from->piece);
    uint32_t mode = atomic_load(&book->shared->share_mode);
    atomic_fetch_add(&book->shared->shares_opened, 1);
    if (piece == NULL || refuses(book, from->piece) || piece_of(book, from->id, piece->pieces - 1) == NULL) {
        credit_refuse(said, ALQ_STATUS_NO_SHARE, "There is no such share.");
        return;
    }
    say(said, piece);
    said->body.shared.bytes = mode == SHARES_WRONG_SIZE ? piece->bytes / 2 : piece->bytes;
    if (mode != SHARES_WITHOUT_DESCRIPTOR) {
        said->descriptors[0] =
            mode == SHARES_NO_MEMORY ? memfd_create("no-share", MFD_CLOEXEC) : fcntl(piece->fd, F_DUPFD_CLOEXEC, 3);
        said->descriptor_count = 1;
    }
}

static int drop(struct credit_book *book, uint32_t slot, uint64_t id)
{
    int dropped = 0;
    for (uint32_t i = book->shares == NULL ? 0 : book->shares->count; i-- > 0;) {
        struct piece *piece = &book->shares->list[i];
        if (piece->slot == slot && (id == 0 || piece->id == id)) {
            close(piece->fd);
            *piece = book->shares->list[--book->shares->count];
            atomic_store(&book->shared->shares_kept, book->shares->count);
            dropped = 1;
        }
    }
    return dropped;
}

int credit_unshare(struct credit_book *book, const struct alq_unshare *from)
{
    return from->id != 0 && drop(book, from->slot, from->id);
}

void credit_drop_shares(struct credit_book *book, uint32_t slot)
{
    drop(book, slot, 0);
}
