/*
 * A process that runs itself again and again from another thread than its first: threaded_exec COUNT. With 0 left it sleeps. Between
 * two runs its first thread is a zombie for a moment.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char **arguments;

static void *run_again(void *left)
{
    char text[16];
    snprintf(text, sizeof text, "%ld", (long)left);
    arguments[1] = text;
    execv("/proc/self/exe", arguments);
    _exit(1);
}

int main(int argc, char **argv)
{
    long left = argc > 1 ? atol(argv[1]) : 0;
    arguments = argv;
    if (left > 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run_again, (void *)(left - 1)) != 0) {
            return 1;
        }
        pthread_join(thread, NULL);
    }
    sleep(60);
    return 0;
}
