
// Every pixel once.
void store(ivec2 at) {
  store0(at);
#ifdef FORMAT1
  store1(at);
#endif
#ifdef FORMAT2
  store2(at);
#endif
}

#ifndef THINGS
void main() {
  ivec2 at = ivec2(gl_GlobalInvocationID.xy);
  if (any(greaterThanEqual(at, imageSize(into0)))) return;
  HERE = vec2(at) + .5;
  each();
  if (!missed) store(at);
}
#else
// Every pixel once for each of the things whose rectangles it is in; the nearest stays, of equals the first. A group of
// pixels looks for the things that are near it together. `surface` is what the text's first output is called.
const int AT_ONCE = 64;
uniform int things;
shared uint listed;
shared int list[AT_ONCE];

void main() {
  ivec2 at = ivec2(gl_GlobalInvocationID.xy);
  bool inside = all(lessThan(at, imageSize(into0)));
  HERE = vec2(at) + .5;
  vec2 low = spread(vec2(gl_WorkGroupID.xy * 8u)), high = spread(vec2(gl_WorkGroupID.xy * 8u + 8u)), own = spread(HERE);
  float nearest = inside ? imageLoad(into0, at).w : 0.;
  if (nearest <= 0.) nearest = 1e9;
  int first = -1;
  for (int from = 0; from < things; from += AT_ONCE) {
    if (gl_LocalInvocationIndex == 0u) listed = 0u;
    barrier();
    int row = from + int(gl_LocalInvocationIndex);
    if (row < things) {
      vec4 r = around(uint(row));
      if (all(lessThan(abs(.5 * (low + high) - r.xy), r.zw + .5 * (high - low)))) list[atomicAdd(listed, 1u)] = row;
    }
    barrier();
    uint many = listed;
    for (uint k = 0u; inside && k < many; k++) {
      vec4 r = around(uint(list[k]));
      if (any(greaterThanEqual(abs(own - r.xy), r.zw))) continue;
      take(uint(list[k]));
      missed = false;
      each();
      if (missed || surface.w > nearest || (surface.w == nearest && list[k] > first)) continue;
      nearest = surface.w;
      first = list[k];
      store(at);
    }
    barrier();
  }
}
#endif
