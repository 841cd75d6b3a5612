/* Cases in processes of their own; see support_world.h. */
#include "support_world.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASE_SECONDS 120

int check_failures;
static int cases_passed, cases_failed;

void check_failed(const char *file, int line, const char *what, unsigned long long got, unsigned long long want)
{
    const char *base = strrchr(file, '/');
    check_failures++;
    fprintf(stderr, "  %s:%d: %s is %llu, not %llu\n", base == NULL ? file : base + 1, line, what, got, want);
}

_Noreturn void end_case(void)
{
    fflush(NULL);
    _exit(check_failures == 0 ? 0 : 1);
}

void check_child(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}

void count_failure(const char *name, const char *why)
{
    cases_failed++;
    fprintf(stderr, "FAILED %s: %s\n", name, why);
}

/* Not taken back from, so that its pid stays its own until test_agent_stop. */
static bool has_ended(pid_t child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == child;
}

/* What a case's processes held is taken back before the next case begins; a case may have ended the agent. */
static void wait_for_empty_slots(const struct world *world)
{
    for (int i = 0; i < PATIENCE_MS && world->agent != NULL && test_agent_slots(world->agent) != 0 && !has_ended(world->agent->pid); i++) {
        usleep(1000);
    }
}

bool run_case(const char *name, case_body *body, struct world *world, const void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(CASE_SECONDS);
        check_failures = 0;
        body(world, argument);
        end_case();
    }
    int status = 0;
    waitpid(child, &status, 0);
    wait_for_empty_slots(world);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        cases_passed++;
        return true;
    }
    char why[64];
    if (WIFSIGNALED(status)) {
        snprintf(why, sizeof why, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(why, sizeof why, "see the checks above");
    }
    count_failure(name, why);
    return false;
}

void run_in_parts(unsigned int parts, void (*body)(unsigned int part, unsigned int parts))
{
    struct tally {
        int passed, failed;
    } *tallies = mmap(NULL, parts * sizeof *tallies, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[parts];
    fflush(NULL);
    for (unsigned int i = 0; i < parts; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            cases_passed = cases_failed = 0;
            body(i, parts);
            tallies[i] = (struct tally){cases_passed, cases_failed};
            fflush(NULL);
            _exit(0);
        }
    }
    for (unsigned int i = 0; i < parts; i++) {
        int status = 1;
        waitpid(children[i], &status, 0);
        if (status != 0) {
            count_failure("a part of the program", "it ended before its cases did");
        }
        cases_passed += tallies[i].passed;
        cases_failed += tallies[i].failed;
    }
    munmap(tallies, parts * sizeof *tallies);
}

int finish_cases(void)
{
    printf("%d passed, %d failed\n", cases_passed, cases_failed);
    return cases_failed == 0 ? 0 : 1;
}
