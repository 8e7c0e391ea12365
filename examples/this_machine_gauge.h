/* The picture of 05_this_machine.c: the load as a gauge in PNG, drawn without any library. */
#ifndef THIS_MACHINE_GAUGE_H
#define THIS_MACHINE_GAUGE_H
#include "this_machine_sensors.h"

enum { WIDTH = 240, HEIGHT = 63 };
enum { PNG_ROW = 1 + WIDTH / 4, PNG_PIXELS = PNG_ROW * HEIGHT, PNG_SIZE = PNG_PIXELS + 128 };
enum { PAPER, TRACK, GREEN, RED };              /* the palette: two bits a pixel */

struct png {
    uint8_t data[PNG_SIZE];
    size_t len;
    uint32_t crc;                               /* of the chunk being written */
};

static void png_byte(struct png *p, unsigned byte)
{
    p->data[p->len++] = (uint8_t)byte;
    p->crc ^= byte & 0xff;
    for (int bit = 0; bit < 8; bit++) {
        p->crc = p->crc & 1 ? p->crc >> 1 ^ 0xedb88320u : p->crc >> 1;
    }
}

static void png_u32(struct png *p, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        png_byte(p, v >> shift & 0xff);
    }
}

static void png_begin(struct png *p, uint32_t len, const char *type)
{
    png_u32(p, len);
    p->crc = 0xffffffffu;                       /* the sum is of type and data */
    for (int i = 0; i < 4; i++) {
        png_byte(p, (unsigned char)type[i]);
    }
}

static void png_end(struct png *p)
{
    png_u32(p, ~p->crc);
}

/* Three bars, one above the other; fill is their length in pixels, full at WIDTH - 8. */
static unsigned pixel(int x, int y, const int fill[3])
{
    int bar = y / 21, in_bar = y % 21;
    if (in_bar < 3 || in_bar >= 18 || x < 4 || x >= WIDTH - 4) {
        return PAPER;
    }
    return x - 4 >= fill[bar] ? TRACK : fill[bar] >= WIDTH - 8 ? RED : GREEN;
}

/* The pixels as one stored (uncompressed) deflate block in a zlib stream. */
static void png_pixels(struct png *p, const int fill[3])
{
    uint32_t a = 1, b = 0;                      /* Adler-32 */
    png_begin(p, PNG_PIXELS + 11, "IDAT");
    png_byte(p, 0x78);
    png_byte(p, 0x01);
    png_byte(p, 1);
    png_byte(p, PNG_PIXELS & 0xff);
    png_byte(p, PNG_PIXELS >> 8);
    png_byte(p, ~PNG_PIXELS & 0xff);
    png_byte(p, ~PNG_PIXELS >> 8 & 0xff);
    for (int i = 0; i < PNG_PIXELS; i++) {
        int y = i / PNG_ROW, x = (i % PNG_ROW - 1) * 4;
        unsigned byte = 0;                      /* the first byte of a row is its filter: none */
        for (int k = 0; x >= 0 && k < 4; k++) {
            byte = byte << 2 | pixel(x + k, y, fill);
        }
        png_byte(p, byte);
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    png_u32(p, b << 16 | a);
    png_end(p);
}

static void draw_load(struct png *p)
{
    static const uint8_t start[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const uint8_t palette[] = { 255, 255, 255, 225, 228, 232, 46, 160, 67, 207, 34, 46 };
    int64_t full = 1000 * (int64_t)sysconf(_SC_NPROCESSORS_ONLN), milli;
    int fill[3];
    for (int i = 0; i < 3; i++) {
        milli = read_load(&milli, i) ? milli : 0;
        fill[i] = (int)(milli >= full ? WIDTH - 8 : milli * (WIDTH - 8) / full);
    }
    memcpy(p->data, start, sizeof start);
    p->len = sizeof start;
    png_begin(p, 13, "IHDR");
    png_u32(p, WIDTH);
    png_u32(p, HEIGHT);
    png_byte(p, 2);                             /* bits a pixel */
    png_byte(p, 3);                             /* colours from the palette */
    png_byte(p, 0);
    png_byte(p, 0);
    png_byte(p, 0);
    png_end(p);
    png_begin(p, sizeof palette, "PLTE");
    for (size_t i = 0; i < sizeof palette; i++) {
        png_byte(p, palette[i]);
    }
    png_end(p);
    png_pixels(p, fill);
    png_begin(p, 0, "IEND");
    png_end(p);
}

#endif
