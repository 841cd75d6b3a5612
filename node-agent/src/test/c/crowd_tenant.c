/*
 * Many CUDA processes of one tenant. Each line on stdin is a command, each answer one line on stdout.
 *
 *   grow N            N more processes, which live as long as this one; answers how many of them got through cuInit and how many not
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void live(int report)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    int (*cu_init)(unsigned) = driver == NULL ? NULL : (int (*)(unsigned))dlsym(driver, "cuInit");
    char result = cu_init != NULL && cu_init(0) == 0 ? 1 : 0;
    if (write(report, &result, 1) != 1) {
        _exit(1);
    }
    while (result != 0) {
        pause();
    }
    _exit(0);
}

int main(void)
{
    int reports[2];
    char line[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_IGN);
    if (pipe(reports) != 0) {
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        int wanted = 0, through = 0;
        sscanf(line, "grow %d", &wanted);
        for (int i = 0; i < wanted; i++) {
            pid_t child = fork();
            if (child == 0) {
                live(reports[1]);
            } else if (child < 0) {
                perror("fork");
                return 1;
            }
        }
        for (int i = 0; i < wanted; i++) {
            char result = 0;
            if (read(reports[0], &result, 1) != 1) {
                return 1;
            }
            through += result;
        }
        printf("%d %d\n", through, wanted - through);
    }
    return 0;
}
