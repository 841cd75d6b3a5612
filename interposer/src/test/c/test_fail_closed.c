/*
 * Failing closed, as the program and whoever reads its standard error sees it: the right code, one line, and nothing written where the
 * program does not expect it.
 */
#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_credit.h"
#include "support_preload.h"

#define FAR_FROM_THE_DEFAULT_WAIT 20.0 /* seconds; without a control page the library waits for an agent for 30 */

/* ---- inside: this program as a tenant runs it ------------------------------------------------------------------------- */

/* Exit status 50 for exactly CUDA_ERROR_SYSTEM_NOT_READY. */
static int starts_cuda(void)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    CUresult answer = library == NULL ? CUDA_SUCCESS : ((__typeof__(cuInit) *)dlsym(library, "cuInit"))(0);
    return answer == CUDA_ERROR_SYSTEM_NOT_READY ? 50 : (int)answer != 0;
}

static int starts_nvml(void)
{
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    return library == NULL ? 1 : (int)((nvmlReturn_t(*)(void))dlsym(library, "nvmlInit_v2"))();
}

/* Descriptor 2 is a data file that was opened after standard error was closed. */
static int starts_cuda_beside_a_data_file(void)
{
    struct stat facts;
    char path[300];
    snprintf(path, sizeof path, "%s/data", getenv("ALIQUOT_TEST_ROOT"));
    close(STDERR_FILENO);
    if (open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) != STDERR_FILENO || starts_cuda() != 50) {
        return 1;
    }
    return fstat(STDERR_FILENO, &facts) == 0 && facts.st_size == 0 ? 0 : 2;
}

/* Nobody reads standard error any more, and SIGPIPE ends the program that writes to it. */
static int starts_cuda_into_a_broken_pipe(void)
{
    int ends[2];
    signal(SIGPIPE, SIG_DFL);
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0 || close(ends[0]) != 0) {
        return 1;
    }
    sigset_t pending;
    return starts_cuda() == 50 && sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE) ? 0 : 2;
}

/* A daemon's first descriptors are free when CUDA starts: none of ours stays on them. */
static int starts_cuda_without_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        close(fd);
    }
    if (starts_cuda() != 0) {
        return 1;
    }
    for (int fd = 0; fd < 3; fd++) { /* what the driver keeps there is its own */
        char link[32], target[300] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0 &&
            (strstr(target, getenv(ALQ_TENANT_DIR_ENV)) != NULL || strstr(target, "socket:") != NULL)) {
            return 2;
        }
    }
    return 0;
}

static int inside(const char *what)
{
    static const struct {
        const char *name;
        int (*body)(void);
    } bodies[] = {{"start", starts_cuda}, {"start-nvml", starts_nvml}, {"data-file", starts_cuda_beside_a_data_file},
        {"broken-pipe", starts_cuda_into_a_broken_pipe}, {"no-streams", starts_cuda_without_standard_streams}};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (strcmp(what, bodies[i].name) == 0) {
            return bodies[i].body();
        }
    }
    return 99;
}

/* ---- outside ----------------------------------------------------------------------------------------------------------- */

static void check_silent(const char *what)
{
    struct preload_result result = run_preloaded(what, NULL);
    CHECK_EQ(result.status, 0);
    CHECK_EQ(result.out_bytes + result.err_bytes, 0);
}

static void a_program_without_standard_streams_starts(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    check_silent("no-streams");
}

/* Fails closed: the right code, one line that says why and names no path of ours beyond the reason, nothing on stdout. */
static void check_closed(const char *how, double bar)
{
    double begin = seconds_now();
    struct preload_result result = run_preloaded("start", NULL);
    show_time(how, begin, bar);
    CHECK(seconds_now() - begin < FAR_FROM_THE_DEFAULT_WAIT);
    CHECK(WIFEXITED(result.status));
    CHECK_EQ(WEXITSTATUS(result.status), 50);
    CHECK_EQ(result.out_bytes, 0);
    size_t lines = 0;
    for (size_t i = 0; i < result.err_bytes; i++) {
        lines += result.err[i] == '\n';
        CHECK(result.err[i] == '\n' || isprint((unsigned char)result.err[i]));
    }
    CHECK_EQ(lines, 1);
    CHECK(strncmp(result.err, "aliquot: ", 9) == 0);
}

static void without_a_tenant_directory_it_fails_closed_at_once(struct world *world, const void *argument)
{
    (void)world;
    (void)argument;
    setenv(ALQ_TENANT_DIR_ENV, "/there/is/no/such/directory", 1);
    check_closed("closed at once", 3);
    struct preload_result nvml = run_preloaded("start-nvml", NULL);
    CHECK_EQ(WEXITSTATUS(nvml.status), NVML_ERROR_NOT_READY);
    CHECK_EQ(nvml.out_bytes + nvml.err_bytes, 0);
}

static void the_line_goes_to_standard_error_or_nowhere(struct world *world, const void *argument)
{
    (void)argument;
    setenv(ALQ_TENANT_DIR_ENV, "/there/is/no/such/directory", 1);
    setenv("ALIQUOT_TEST_ROOT", world->root, 1);
    check_silent("data-file");
    check_silent("broken-pipe");
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = 0;
    struct preload_result closed =
        run_program((char *[]){"/bin/sh", "-c", "exec \"$0\" start 2>&-", self, NULL}, true, NULL);
    CHECK(WIFEXITED(closed.status) && WEXITSTATUS(closed.status) == 50);
    CHECK_EQ(closed.out_bytes + closed.err_bytes, 0);
}

static void without_an_agent_it_waits_its_time_and_fails_closed(struct world *world, const void *argument)
{
    (void)argument;
    kill(world->agent->pid, SIGKILL);
    for (int i = 0; i < PATIENCE_MS && credit_start_time(world->agent->pid) != 0; i++) {
        usleep(1000);
    }
    check_closed("closed after the tenant's own wait", 5);
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        return inside(argv[1]);
    }
    struct world *world = world_open((struct world_config){0});
    RUN(a_program_without_standard_streams_starts, world);
    world_close(world);
    world = world_open((struct world_config){.agent_wait_ms = 300});
    RUN(without_a_tenant_directory_it_fails_closed_at_once, world);
    RUN(the_line_goes_to_standard_error_or_nowhere, world);
    RUN(without_an_agent_it_waits_its_time_and_fails_closed, world);
    world_close(world);
    return finish_cases();
}
