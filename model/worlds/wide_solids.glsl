// Things that are neither ground nor plants, met exactly: capsules, ellipsoids, boxes, capped cones and gable roofs.
// Everything is relative to the eye. at: middle; axis: half sizes, or half the axis; more: shape, bound, turn, radius.
GIVEN(vec4, o_at) GIVEN(vec4, o_axis) GIVEN(vec4, o_paint) GIVEN(vec4, o_more)
uniform float night_lights;
OUT0(vec4, surface) // normal, distance
OUT1(float, material)
OUT2(vec4, paint) // colour, light of its own

float ellipsoid(vec3 o, vec3 d, vec3 r, out vec3 n) {
  vec3 q = o / r, e = d / r;
  float a = dot(e, e), b = dot(q, e), k = b * b - a * (dot(q, q) - 1.);
  if (k < 0.) return -1.;
  float t = (-b - sqrt(k)) / a;
  n = normalize((q + e * t) / r);
  return t;
}

float capsule(vec3 o, vec3 d, vec3 h, float r, out vec3 n) {
  vec3 pa = -h, ba = 2. * h, oa = o - pa;
  float baba = dot(ba, ba), bard = dot(ba, d), baoa = dot(ba, oa), rdoa = dot(d, oa), oaoa = dot(oa, oa);
  float a = baba - bard * bard, b = baba * rdoa - baoa * bard, c = baba * oaoa - baoa * baoa - r * r * baba;
  float k = b * b - a * c;
  if (k < 0.) return -1.;
  float t = (-b - sqrt(k)) / max(a, 1e-6), y = baoa + t * bard;
  if (a > 1e-6 && y > 0. && y < baba) { n = (oa + d * t - ba * (y / baba)) / r; return t; }
  vec3 oc = y <= 0. ? oa : o - h;
  b = dot(d, oc); c = dot(oc, oc) - r * r; k = b * b - c;
  if (k < 0.) return -1.;
  t = -b - sqrt(k);
  n = (oc + d * t) / r;
  return t;
}

float box(vec3 o, vec3 d, vec3 h, out vec3 n) {
  vec3 m = 1. / mix(d, vec3(1e-6), lessThan(abs(d), vec3(1e-6))), k = abs(m) * h, a = -m * o - k, b = -m * o + k;
  float near = max(max(a.x, a.y), a.z), far = min(min(b.x, b.y), b.z);
  if (near > far) return -1.;
  n = -sign(d) * step(a.yzx, a.xyz) * step(a.zxy, a.xyz);
  return near;
}

float roof(vec3 o, vec3 d, vec3 h, out vec3 n) {  // gables at the ends of x, base at -h.y, ridge at +h.y
  float near = -1e9, far = 1e9;
  vec2 s = normalize(vec2(2. * h.y, h.z));
  vec4 planes[5] = vec4[5](vec4(0., s.y, s.x, s.y * h.y), vec4(0., s.y, -s.x, s.y * h.y), vec4(0., -1., 0., h.y), vec4(1., 0., 0., h.x), vec4(-1., 0., 0., h.x));
  for (int i = 0; i < 5; i++) {
    float away = dot(planes[i].xyz, o) - planes[i].w, along = dot(planes[i].xyz, d);
    if (abs(along) < 1e-7) { if (away > 0.) return -1.; continue; }
    float t = -away / along;
    if (along < 0.) { if (t > near) { near = t; n = planes[i].xyz; } } else far = min(far, t);
  }
  return near > far ? -1. : near;
}

float tapered(vec3 o, vec3 d, float h, float low, float high, out vec3 n) {  // upright, from -h (low) to h (high)
  float k = (high - low) / (2. * h), m = .5 * (low + high), best = -1.;
  float a = dot(d.xz, d.xz) - k * k * d.y * d.y, r0 = m + k * o.y;
  float b = dot(o.xz, d.xz) - k * d.y * r0, c = dot(o.xz, o.xz) - r0 * r0, q = b * b - a * c;
  if (q > 0.) {
    float t = (-b - sqrt(q)) / a, y = o.y + d.y * t;
    if (t > 0. && abs(y) < h) { best = t; vec2 p = o.xz + d.xz * t; n = normalize(vec3(p.x, -k * length(p), p.y)); }
  }
  float t = (-sign(d.y) * h - o.y) / (abs(d.y) < 1e-6 ? 1e-6 : d.y);
  vec2 p = o.xz + d.xz * t;
  float r = d.y < 0. ? high : low;
  if (t > 0. && (best < 0. || t < best) && dot(p, p) < r * r) { best = t; n = vec3(0., -sign(d.y), 0.); }
  return best;
}

void each() {
  vec3 d = ray(HERE), o = -o_at.xyz, n = vec3(0., 1., 0.);
  int shape = int(o_more.x + .5);
  float c = cos(o_more.z), s = sin(o_more.z), t = -1.;
  vec3 lo = vec3(o.x * c - o.z * s, o.y, o.x * s + o.z * c), ld = vec3(d.x * c - d.z * s, d.y, d.x * s + d.z * c);
  if (shape == 0) t = capsule(o, d, o_axis.xyz, o_more.w, n);
  else if (shape == 1) t = ellipsoid(lo, ld, o_axis.xyz, n);
  else if (shape == 2) t = box(lo, ld, o_axis.xyz, n);
  else if (shape == 3) t = tapered(lo, ld, o_axis.y, o_axis.x, o_axis.z, n);
  else t = roof(lo, ld, o_axis.xyz, n);
  if (t < .05 || t > FAR) MISS;
  vec3 here = lo + ld * t;
  if (shape != 0) n = vec3(n.x * c + n.z * s, n.y, -n.x * s + n.z * c);
  vec3 colour = o_paint.rgb;
  float light = o_paint.a;
  int m = int(o_axis.w + .5);
  if (m == 8 && shape == 2 && abs(n.y) < .5) {  // a wall: windows, a door, a plinth
    bool side = abs(abs(here.x) - o_axis.x) < .02;
    float along = side ? here.z : here.x, wide = side ? o_axis.z : o_axis.x, up = here.y + o_axis.y;
    float pane = 1.75, u = along / pane + .5, storey = 2.7;
    ivec2 which = ivec2(floor(u), floor((up - .4) / storey));
    vec2 in_pane = vec2(fract(u) - .5, fract((up - .4) / storey));
    bool fits = abs(float(which.x)) * pane + .65 < wide;
    bool glass = fits && abs(in_pane.x) < .25 && in_pane.y > .36 && in_pane.y < .80 && up > .4;
    bool frame = fits && abs(in_pane.x) < .30 && in_pane.y > .33 && in_pane.y < .83 && up > .4;
    bool bars = abs(in_pane.x) < .018 || abs(in_pane.y - .6) < .012;
    float lot = dice(which + ivec2(side ? 31 : 7, int(sign(n.x + 2. * n.z) * 3.) + int(o_more.w * 997.)), 5u);
    if (!side && which == ivec2(0) && in_pane.y < .80 && abs(in_pane.x) < .30) {
      colour = mix(vec3(.28, .15, .08), vec3(.12, .22, .24), step(.5, lot)); if (abs(in_pane.x) > .25 || in_pane.y > .77) colour = vec3(.82, .78, .70);
    } else if (glass && !bars) {
      float lit = step(.42, lot) * night_lights;
      colour = mix(vec3(.10, .13, .17), vec3(1., .66, .28), lit); light = lit * (.75 + .5 * fract(lot * 7.)); m = 9;
    } else if (frame) colour = vec3(.86, .84, .78);
    else if (up < .5) colour *= vec3(.62, .60, .60);
    else colour *= .92 + .12 * rnd(vec2(along, up) * 11.).x;
  }
  if (m == 8 && shape == 4) colour *= .78 + .34 * fract(here.y * 3.1) * step(.1, abs(n.y)) + .1 * rnd(here.xz * 8.).x;
  surface = vec4(n, t);
  material = float(m) + .5;
  paint = vec4(colour, light);
  DEPTH(t / FAR)
}
