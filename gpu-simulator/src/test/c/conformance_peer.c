/* Other processes of a case, and the socket between it and them. */
#include "conformance.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENCE_MS 30000

struct conf_peer conf_start(void (*main_)(int channel, void *argument), void *argument) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        conf_fail(__FILE__, __LINE__, "no socket pair: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid < 0) {
        conf_fail(__FILE__, __LINE__, "no process: %s", strerror(errno));
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[0]);
        main_(fds[1], argument);
        _exit(0);
    }
    close(fds[1]);
    return (struct conf_peer){pid, fds[0]};
}

static int ended(struct conf_peer *peer) {
    int status = 0;
    while (waitpid(peer->pid, &status, 0) < 0) {
        if (errno != EINTR) {
            conf_fail(__FILE__, __LINE__, "waiting for process %d: %s", (int)peer->pid, strerror(errno));
        }
    }
    close(peer->channel);
    peer->pid = 0;
    return status;
}

void conf_join(struct conf_peer *peer) {
    int status = ended(peer);
    if (WIFSIGNALED(status)) {
        conf_fail(__FILE__, __LINE__, "the peer process was ended by signal %d", WTERMSIG(status));
    }
    if (WEXITSTATUS(status) != 0) {
        _exit(WEXITSTATUS(status)); /* it has written why */
    }
}

void conf_kill(struct conf_peer *peer) {
    kill(peer->pid, SIGKILL);
    int status = ended(peer);
    if (!WIFSIGNALED(status)) {
        conf_fail(__FILE__, __LINE__, "the peer process was gone before it was killed (status %d)", WEXITSTATUS(status));
    }
}

/* A peer that skipped makes this process skip too; one that failed has written its reason first, and the first one counts. */
static void gone(const char *what) {
    int status = 0;
    for (int i = 0; i < 250 && waitpid(-1, &status, WNOHANG) == 0; i++) {
        conf_sleep_ms(20); /* its socket is closed before it has ended */
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        _exit(WEXITSTATUS(status));
    }
    conf_fail(__FILE__, __LINE__, "the other process is gone or silent (%s)", what);
}

void conf_send(int channel, const void *data, size_t bytes) {
    const char *from = data;
    while (bytes > 0) {
        ssize_t sent = send(channel, from, bytes, MSG_NOSIGNAL);
        if (sent <= 0) {
            gone("send");
        }
        from += sent;
        bytes -= (size_t)sent;
    }
}

static void readable(int channel) {
    struct pollfd one = {.fd = channel, .events = POLLIN};
    int ready;
    do {
        ready = poll(&one, 1, SILENCE_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        gone("poll");
    }
}

void conf_receive(int channel, void *data, size_t bytes) {
    char *to = data;
    while (bytes > 0) {
        readable(channel);
        ssize_t got = recv(channel, to, bytes, 0);
        if (got <= 0) {
            gone("receive");
        }
        to += got;
        bytes -= (size_t)got;
    }
}

void conf_send_fd(int channel, int fd) {
    char byte = 'f';
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(channel, &message, MSG_NOSIGNAL) != 1) {
        gone("send of a descriptor");
    }
}

int conf_receive_fd(int channel) {
    char byte = 0;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    readable(channel);
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1) {
        gone("receive of a descriptor");
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
        gone("no descriptor came");
    }
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

void conf_signal(int channel) {
    conf_send(channel, "g", 1);
}

void conf_await(int channel) {
    char byte;
    conf_receive(channel, &byte, 1);
}
