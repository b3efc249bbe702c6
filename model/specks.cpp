// Drops, flakes and stars laid over a picture: what engine/veil.py's `_lay` computes, in integers, eight rows at a time.
// Knows sheets and bytes of planes; refuses to know torch, cameras and networks.
#include <algorithm>
#include <cstdint>
#include <vector>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

constexpr int kBlock = 8;       // luma pixels between two places that are given
constexpr int kLanes = 16;      // pixels that are computed together: two blocks' width
constexpr int kOne = 1 << 16;   // of a place
constexpr int kOpen = 1 << 15;  // what is not covered at all

typedef int32_t Lanes __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef uint32_t Bits __attribute__((vector_size(4 * kLanes), aligned(4)));

// The first number in the lanes of the left block, the second in those of the right one.
Lanes both(int32_t left, int32_t right) {
  constexpr Lanes second = {0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1};
  return left + (second & (right - left));
}

// Places of two blocks beside each other, row by row, on lines between those of their corners; the shorter way around,
// where so many upper bits of a place mean nothing.
struct Walk {
  Lanes at, step;

  Walk(const int32_t* corners, int across, int upper) {
    constexpr Lanes on = {1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15};  // of 16
    const auto line = [upper](const int32_t* from) {
      const auto apart = [upper](int32_t a, int32_t b) { return (int32_t)(((uint32_t)b - (uint32_t)a) << upper) >> upper; };
      return both(from[0], from[1]) + (both(apart(from[0], from[1]), apart(from[1], from[2])) * on >> 4);
    };
    at = line(corners);
    const Lanes down = (Lanes)((Bits)(line(corners + across) - at) << upper) >> upper;
    at += down >> 4;
    step = down >> 3;
  }

  void next() { at += step; }
};

// What lies at places of a sheet of `rows` x `columns` (powers of two) groups of four bytes: a pixel's own, its right
// neighbour's, and those below.
Bits found(const uint32_t* sheet, Lanes down, Lanes right, int rows, int columns) {
  const Lanes at = ((down >> 16) & (rows - 1)) * columns + ((right >> 16) & (columns - 1));
#ifdef __AVX512F__
  return (Bits)_mm512_i32gather_epi32((__m512i)at, sheet, 4);
#else
  Bits groups;
  for (int x = 0; x < kLanes; ++x) groups[x] = sheet[at[x]];
  return groups;
#endif
}

bool any(Bits groups) {
#ifdef __AVX512F__
  return _mm512_test_epi32_mask((__m512i)groups, (__m512i)groups) != 0;
#else
  uint32_t all = 0;
  for (int x = 0; x < kLanes; ++x) all |= groups[x];
  return all != 0;
#endif
}

// What is left of what is open where groups cover, between their bytes, a share times `amount` of 256.
Lanes taken(Lanes open, Bits four, Lanes down, Lanes right, uint32_t amount) {
  const Bits aside = (Bits)(right >> 8) & 255, below = (Bits)(down >> 8) & 255;
  const Bits over = (four & 255) * (256 - aside) + (four >> 8 & 255) * aside;
  const Bits under = (four >> 16 & 255) * (256 - aside) + (four >> 24) * aside;
  const Bits whole = over * (256 - below) + under * below;                 // of 255 << 16
  const Bits share = ((whole + (whole >> 8)) >> 8) * amount >> 9;          // of 1 << 15
  return open - (Lanes)(((Bits)open * share + (1 << 14)) >> 15);
}

int upper_bits(int power) { return 16 - __builtin_ctz(power); }  // of a place on an axis of so many pixels

uint8_t between(int was, int colour, int covered) { return (uint8_t)(was + (((colour - was) * covered + (1 << 14)) >> 15)); }

// Lays a colour over two rows of luma and one of u and v, of which `open` [2, width] is left.
void laid(uint8_t* y, uint8_t* u, uint8_t* v, const int32_t* open, const uint8_t* colour, int width, int32_t* sum) {
  for (int x = 0; x < 2 * width; ++x) y[x] = between(y[x], colour[0], kOpen - open[x]);
  for (int x = 0; x < width; ++x) sum[x] = open[x] + open[width + x];
  for (int x = 0; x < width / 2; ++x) {
    const int covered = kOpen - ((sum[2 * x] + sum[2 * x + 1] + 2) >> 2);
    u[x] = between(u[x], colour[1], covered);
    v[x] = between(v[x], colour[2], covered);
  }
}

}  // namespace

// Lays a colour [3], in bytes of y, u and v, over planes y [height, width], u and v [height / 2, width / 2] by the shares
// that `count` sheets cover. `sheets` [count, rows, columns, 4]: see `found`. `places` [count, 2, height / 8 + 1, width / 8
// + 1]: columns and rows of the sheets at corners of blocks, in 1 / 65536. `amount` of 256. `high` [height / 8 + 1, width /
// 8 + 1], of 65536, says how much of it is seen there, and `free` [height / 2, width / 2] whether it is seen at all; or
// neither is given. Heights are multiples of 8, widths of 16.
extern "C" void specks_lay(uint8_t* y, uint8_t* u, uint8_t* v, const uint32_t* sheets, const int32_t* places, const int32_t* high,
                            const uint8_t* free, const uint8_t* colour, int amount, int count, int height, int width,
                            int rows, int columns) {
  const int across = width / kBlock + 1, plane = (height / kBlock + 1) * across;
  std::vector<int32_t> open(kBlock * width), sum(width);
  for (int strip = 0; strip < height / kBlock; ++strip) {
    std::fill(open.begin(), open.end(), kOpen);
    for (int sheet = 0; sheet < count; ++sheet)
      for (int x = 0; x < width; x += kLanes) {
        const int32_t* corners = places + (size_t)2 * sheet * plane + strip * across + x / kBlock;
        Walk right(corners, across, upper_bits(columns)), down(corners + plane, across, upper_bits(rows));
        for (int row = 0; row < kBlock; ++row, right.next(), down.next()) {
          const Bits groups = found(sheets + (size_t)sheet * rows * columns, down.at, right.at, rows, columns);
          Lanes& own = *(Lanes*)(open.data() + row * width + x);
          if (any(groups)) own = taken(own, groups, down.at, right.at, amount);
        }
      }
    for (int x = 0; high != nullptr && x < width; x += kLanes) {
      Walk seen(high + strip * across + x / kBlock, across, 0);
      for (int row = 0; row < kBlock; ++row, seen.next()) {
        const uint8_t* sky = free + (size_t)(kBlock * strip + row) / 2 * (width / 2) + x / 2;
        int32_t* own = open.data() + row * width + x;
        for (int i = 0; i < kLanes; ++i) {
          const int much = sky[i / 2] ? std::min(std::max((int)seen.at[i], 0), kOne) >> 1 : 0;
          own[i] = kOpen - (((kOpen - own[i]) * much + (1 << 14)) >> 15);
        }
      }
    }
    for (int row = kBlock * strip; row < kBlock * (strip + 1); row += 2) {
      const size_t chroma = (size_t)row / 2 * (width / 2);
      laid(y + (size_t)row * width, u + chroma, v + chroma, open.data() + row % kBlock * width, colour, width, sum.data());
    }
  }
}
