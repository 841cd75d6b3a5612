/* A program that holds many copies of the driver, as a test does that starts node after node: each finds addresses for its memory. */
#define _GNU_SOURCE
#include <aliquot/cuda_abi.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "test_support.h"

#define COPIES 18

static void library(char *path) {
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    CHECK(length > 0);
    path[length] = '\0';
    for (int up = 0; up < 2; up++) *strrchr(path, '/') = '\0';
    strcat(path, "/580/libcuda.so.1");
}

/* An open copy of the file: the loader takes each for a library of its own. */
static void *open_copy(const char *path, int number) {
    char copy[PATH_MAX];
    struct stat facts;
    snprintf(copy, sizeof copy, "%s/libcuda-%d", getenv("ALIQUOT_TEST_DIR"), number);
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    CHECK(from >= 0 && to >= 0 && fstat(from, &facts) == 0);
    CHECK(sendfile(to, from, NULL, (size_t)facts.st_size) == facts.st_size);
    close(from);
    close(to);
    void *opened = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    CHECK(opened != NULL);
    return opened;
}

int main(void) {
    char path[PATH_MAX + 32];
    library(path);
    for (int i = 0; i < COPIES; i++) {
        void *copy = open_copy(path, i);
        CUresult (*init)(unsigned) = (CUresult(*)(unsigned))dlsym(copy, "cuInit");
        CUresult (*reserve)(CUdeviceptr *, size_t, size_t, CUdeviceptr, unsigned long long) =
            (CUresult(*)(CUdeviceptr *, size_t, size_t, CUdeviceptr, unsigned long long))dlsym(copy, "cuMemAddressReserve");
        CUdeviceptr address = 0;
        CHECK(init != NULL && reserve != NULL);
        CHECK_EQUAL(init(0), CUDA_SUCCESS);
        CHECK_EQUAL(reserve(&address, 64ull << 30, 0, 0, 0), CUDA_SUCCESS);
    }
    return 0;
}
