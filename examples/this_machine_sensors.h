/* The sensors of 05_this_machine.c: what the operating system knows about this machine. No MCP in here. */
#ifndef THIS_MACHINE_SENSORS_H
#define THIS_MACHINE_SENSORS_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __linux__
#include <mntent.h>
#endif

/* The first line of a file of the kernel; false when there is no such file. */
static bool first_line(const char *path, char *buf, int cap)
{
    FILE *f = fopen(path, "r");
    bool ok = f != NULL && fgets(buf, cap, f) != NULL;
    if (f != NULL) {
        (void)fclose(f);
    }
    return ok;
}

/* Sensors answer thousandths: 21.5 degrees are 21500. False: this machine has no such sensor. */
static bool read_temperature(int64_t *milli)
{
    static const char *const places[] = {
        "/sys/class/thermal/thermal_zone%d/temp", "/sys/class/hwmon/hwmon%d/temp1_input"
    };
    bool found = false;
    char path[64], line[32];
    for (int i = 0; i < 32; i++) {
        (void)snprintf(path, sizeof path, places[i & 1], i / 2);
        if (first_line(path, line, sizeof line)) {
            int64_t v = strtoll(line, NULL, 10);
            *milli = found && *milli > v ? *milli : v;          /* the hottest one */
            found = true;
        }
    }
    return found;
}

static bool read_load(int64_t *milli, int which)
{
    double load[3];
    if (getloadavg(load, 3) != 3) {
        return false;
    }
    *milli = (int64_t)(load[which] * 1000);
    return true;
}

static bool read_load1(int64_t *milli)
{
    return read_load(milli, 0);
}

static bool read_load5(int64_t *milli)
{
    return read_load(milli, 1);
}

static bool read_load15(int64_t *milli)
{
    return read_load(milli, 2);
}

/* A row of /proc/meminfo, in kilobytes; 0 when there is none. */
static int64_t meminfo(const char *row)
{
    char line[128];
    int64_t kb = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f != NULL && kb == 0 && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, row, strlen(row)) == 0) {
            kb = strtoll(line + strlen(row), NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return kb;
}

static bool read_memory(int64_t *milli)
{
    int64_t total = meminfo("MemTotal:");
    *milli = total > 0 ? 100000 * (total - meminfo("MemAvailable:")) / total : 0;
    return total > 0;
}

static bool read_uptime(int64_t *milli)
{
    char line[64];
    if (!first_line("/proc/uptime", line, sizeof line)) {
        return false;
    }
    *milli = (int64_t)(strtod(line, NULL) * 1000);
    return true;
}

static const struct sensor {
    const char *name, *unit;
    bool (*read)(int64_t *milli);
} sensors[] = {
    { "temperature", "degrees Celsius", read_temperature },
    { "load1", "running tasks, mean of one minute", read_load1 },
    { "load5", "running tasks, mean of five minutes", read_load5 },
    { "load15", "running tasks, mean of fifteen minutes", read_load15 },
    { "memory", "percent in use", read_memory },
    { "uptime", "seconds", read_uptime }
};

struct disk {
    char mount[128], type[32];
    uint64_t total, free;                       /* bytes */
};

static bool measure_disk(struct disk *d, const char *mount, const char *type)
{
    struct statvfs s;
    if (statvfs(mount, &s) != 0 || s.f_blocks == 0) {
        return false;                           /* not there, or no place for files: /proc and its like */
    }
    (void)snprintf(d->mount, sizeof d->mount, "%s", mount);
    (void)snprintf(d->type, sizeof d->type, "%s", type);
    d->total = (uint64_t)s.f_blocks * s.f_frsize;
    d->free = (uint64_t)s.f_bavail * s.f_frsize;
    return true;
}

static size_t read_disks(struct disk *disks, size_t cap)
{
    size_t n = 0;
#ifdef __linux__
    const struct mntent *m;
    FILE *f = setmntent("/proc/mounts", "r");
    while (f != NULL && n < cap && (m = getmntent(f)) != NULL) {
        bool memory = strcmp(m->mnt_type, "tmpfs") == 0 || strcmp(m->mnt_type, "devtmpfs") == 0;
        if (!memory && measure_disk(&disks[n], m->mnt_dir, m->mnt_type)) {
            n++;
        }
    }
    if (f != NULL) {
        (void)endmntent(f);
    }
#endif
    if (n == 0 && cap > 0 && measure_disk(&disks[0], "/", "unknown")) {
        n = 1;
    }
    return n;
}

#endif
