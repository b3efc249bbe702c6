// The sky of the full worlds: sun, moon, stars, clouds, aurora, lightning, rainbow; and the air between. WET, SNOWING,
// COVERED, FIRES, BOW, BOLT, NIGHT, AURORA and LAMP are constants: a software rasterizer runs every branch.
uniform float tod, cloud, fog, rain, snow, cover, clock, storm, aurora, rainbow, pulse;
uniform vec4 bolt;   // azimuth, flash, seed, visible
uniform vec4 lamp;   // a turning beam: where it stands relative to the eye, its turn
uniform float lamp_on;

vec3 sun() { float a = tod * 6.2831853; return normalize(vec3(cos(a), sin(a) * .9, .42)); }
vec3 moon() { vec3 s = sun(); return normalize(vec3(-s.x, .35 + .5 * abs(s.y), -.55)); }
float daylight() {
#if PLACE == 7
  return smoothstep(-.03, .05, sun().y);
#else
  return smoothstep(-.16, .22, sun().y);
#endif
}
float glow() {
#if PLACE == 7
  return 0.;
#else
  float y = sun().y; return exp(-y * y * 22.);
#endif
}
bool dawn() { return sun().x > 0.; }
// The light of low sun: dusk is orange and red, dawn is rose and cool.
vec3 low_sun() { return dawn() ? vec3(1., .60, .58) : vec3(1., .41, .12); }
float overcast() { return smoothstep(.45, .95, cloud); }
float flash() { return bolt.y; }

vec3 horizon_colour() {
#if PLACE == 7
  return vec3(.004, .005, .009);
#endif
  float day = daylight(), g = glow();
  vec3 c = mix(vec3(.05, .068, .15), vec3(.66, .77, .90), day);
  c = mix(c, dawn() ? vec3(.74, .66, .78) : vec3(.92, .50, .27), g * .76);
  vec3 grey = mix(vec3(.075, .085, .115), vec3(.62, .65, .69), day) * (1. - .45 * storm);
  c = mix(c, grey * mix(vec3(1.), dawn() ? vec3(.97, .98, 1.06) : vec3(1.12, .90, .80), g), overcast() * .9);
  return c + vec3(.5, .52, .62) * flash() * .5;
}

float clouds(vec2 q) { return rnd(q).x * .50 + rnd(q * 2.3 + 31.).y * .27 + rnd(q * 5.1 + 7.).z * .15 + rnd(q * 11.3).w * .08; }

vec3 lightning(vec3 d) {
  float azimuth = atan(d.x, d.z) - bolt.x, up = d.y;
  azimuth -= 6.2831853 * floor(azimuth / 6.2831853 + .5);
  if (!BOLT || bolt.w < .01 || up < -.05 || up > .48 || abs(azimuth) > .4) return vec3(0.);
  float line = 0., fade = smoothstep(.48, .30, up) * bolt.w;
  for (int i = 0; i < 3; i++) {
    float s = bolt.z * 37. + float(i) * 11.3, from = i == 0 ? .6 : .14 + .13 * float(i);
    float x = (rnd(vec2(up * 9., s)).x - .5) * .16 + (rnd(vec2(up * 37., s + 5.)).y - .5) * .05 + (rnd(vec2(up * 120., s + 9.)).z - .5) * .014;
    if (i > 0) { float x0 = (rnd(vec2(from * 9., bolt.z * 37.)).x - .5) * .16; x = x0 + (x - x0) * .5 + (from - up) * (i == 1 ? .55 : -.6); if (up > from || up < from - .16) continue; }
    float a = abs(azimuth - x);
    line += (i == 0 ? 1. : .5) * (smoothstep(.0042, .0009, a) + .16 * exp(-a * 70.));
  }
  return vec3(.86, .88, 1.) * line * fade;
}

vec3 curtains(vec3 d) {
  vec3 light = vec3(0.);
  float strength = aurora * (1. - daylight()) * (1. - overcast()) * (.75 + .9 * pulse);
  if (!NIGHT || !AURORA || strength < .01 || d.y < .03) return light;
  float between = dice(ivec2(HERE), 77u);  // no two neighbours cut the curtains at the same heights
  for (int i = 0; i < 24; i++) {
    float share = (float(i) + between) / 24., up = 1. + 1.19 * share;
    vec2 q = d.xz / (d.y + .10) * up * 1.5;
    vec2 bend = vec2(rnd(q * .9 + clock * .05).x, rnd(q * .8 - clock * .04 + 40.).y) * 9.;
    float ridge = 1. - abs(2. * rnd(vec2(q.x * .7 + bend.x, q.y * 2.2 + bend.y) + clock * .12).z - 1.);
    float fine = .55 + .45 * rnd(vec2((q.x + q.y) * 8. + bend.x * 2., clock * .6)).w;
    light += pow(ridge, 9.) * fine * mix(vec3(.12, .95, .45), vec3(.55, .20, .85), share) * exp(-1.8 * share);
  }
  return light * strength * .128 * smoothstep(.05, .30, d.y);
}

vec3 bow(vec3 d) {
  float inside = acos(clamp(dot(d, -sun()), -1., 1.)) * 57.29578;
  float x = (inside - 40.4) / 2.2, y = (53.2 - inside) / 3.4;
  vec3 first = max(vec3(1.) - abs(vec3(x - .82, x - .5, x - .2) * vec3(3., 3., 3.)), 0.);
  vec3 second = max(vec3(1.) - abs(vec3(y - .8, y - .5, y - .2) * 3.), 0.);
  float within_bow = smoothstep(42.5, 36., inside) * .035;
  return (first * .75 + second * .20 + within_bow) * rainbow * smoothstep(-.04, .06, d.y + .04);
}

vec3 sky(vec3 d) {
  vec3 s = sun(), m = moon();
  float day = daylight(), g = glow(), h = max(d.y, 0.), over = overcast(), open = 1. - over, night = 1. - day;
  float toward = max(dot(d, s), 0.);
#if PLACE == 7
  vec3 c = vec3(.002, .003, .006);
  c += vec3(1., .97, .92) * (pow(toward, 2600.) * 6. + pow(toward, 90.) * .08) * smoothstep(-.06, .0, s.y);
  night = 1.;
#else
  vec3 zenith = mix(vec3(.014, .024, .075), vec3(.13, .34, .76), day);
  zenith = mix(zenith, dawn() ? vec3(.32, .42, .66) : vec3(.27, .23, .46), g * .6);
  zenith = mix(zenith, mix(vec3(.05, .055, .075), vec3(.50, .53, .58), day) * (1. - .55 * storm), over * .92);
  vec3 c = mix(horizon_colour(), zenith, 1. - pow(1. - h, 3.2));
  c += low_sun() * g * pow(toward, 5.) * pow(1. - h, 3.) * .6 * open;
  c += mix(low_sun(), vec3(1., .95, .82), day * (1. - g)) * (pow(toward, 900.) * 2.4 + pow(toward, 60.) * .24 + pow(toward, 8.) * .05 * day) * smoothstep(-.12, .02, s.y) * open;
#endif
  if ((NIGHT || PLACE == 7) && night > .02) {
#if PLACE == 7
    vec3 e = normalize(vec3(.55, .42, .72));
    float r = acos(clamp(dot(d, e), -1., 1.)) / .085;
    if (r < 1.) {
      vec3 ax = normalize(cross(vec3(0., 1., 0.), e)), ay = cross(e, ax);
      vec2 q = vec2(dot(d, ax), dot(d, ay)) / .085;
      vec3 n = normalize(ax * q.x + ay * q.y - e * sqrt(max(1. - r * r, 0.)));
      vec2 spin = q * 6. + clock * .01;
      float land = smoothstep(.5, .56, rnd(spin).x * .6 + rnd(spin * 2.6).y * .4), white = smoothstep(.50, .72, rnd(spin * vec2(1.2, 2.4) + 40.).z * .6 + rnd(spin * 3.1).w * .4);
      vec3 globe = mix(mix(vec3(.03, .12, .34), vec3(.18, .24, .10), land), vec3(.85), white * .8);
      c = mix(c, globe * (.03 + 1.15 * max(dot(n, s), 0.)) + vec3(.10, .22, .45) * pow(r, 8.) * max(dot(n, s) + .2, 0.), smoothstep(1., .97, r));
    } else
#else
    float toMoon = max(dot(d, m), 0.);
    float disc = smoothstep(.99925, .9996, toMoon);
    c += vec3(.82, .88, 1.) * (disc * (.80 + .25 * rnd(d.xy * 900.).x) + pow(toMoon, 120.) * .16 + pow(toMoon, 12.) * .03) * night * (1. - .85 * over);
#endif
    {
      vec3 a = abs(d);
      vec2 face = a.x > a.y && a.x > a.z ? d.yz / d.x : a.y > a.z ? d.xz / d.y : d.xy / d.z;
      uint side = a.x > a.y && a.x > a.z ? 1u : a.y > a.z ? 2u : 3u;
      vec2 q = face * 46.;
      ivec2 cell = ivec2(floor(q));
      float lot = dice(cell, side), bright = dice(cell, side + 9u);
      vec2 at = vec2(.2) + .6 * vec2(dice(cell, side + 17u), dice(cell, side + 29u));
      float star = smoothstep(.10 + .05 * bright, .0, length(fract(q) - at)) * step(.74, lot) * bright * bright;
      star *= .85 + .15 * sin(clock * 3. + lot * 90.);
      vec3 band = normalize(vec3(.5, .35, -.79));
      float river = exp(-pow(dot(d, band) * 4.2, 2.)) * (.25 + .75 * rnd(face * 9. + 3.).x);
      c += (star * 1.3 * mix(vec3(.75, .85, 1.), vec3(1., .88, .70), fract(lot * 17.)) + river * vec3(.045, .05, .075)) * night * night * open * smoothstep(.0, .14, d.y + (PLACE == 7 ? .2 : 0.));
    }
  }
#if PLACE != 7
  c += curtains(d);
  if (d.y > .012) {
    vec2 q = d.xz / (d.y + .12) * 5. + clock * vec2(.35, .12) * (1. + 2. * storm);
    float n = clouds(q), toSun = clouds(q + s.xz * .9);
    float thick = smoothstep(mix(.66, .20, cloud), mix(.84, .60, cloud), n) * smoothstep(.012, .15, d.y);
    vec3 lit = mix(vec3(.10, .12, .19), vec3(1., .99, .97), day);
    lit = mix(lit, low_sun() * 1.08 + .08, g * .66 * open);
    vec3 dark = mix(vec3(.06, .07, .11), mix(vec3(.62, .67, .75), vec3(.55, .44, .52), g), day) * (1. - .5 * storm);
    float relief = clamp(.55 + (n - toSun) * 2.6 - over * .35 + (over > .3 ? (.52 - n) * 1.8 : 0.), 0., 1.);
    vec3 base = mix(dark, mix(lit, mix(vec3(.10, .11, .15), vec3(.72, .75, .79), day) * (1. - .45 * storm), over), relief);
    base += vec3(.75, .78, .95) * flash() * (.35 + .65 * n) * exp(-2.5 * abs(atan(d.x, d.z) - bolt.x));
    c = mix(c, base, thick * .90);
  }
  c += lightning(d) + flash() * vec3(.10, .11, .15);
  if (BOW) c += bow(d);
#endif
  return c;
}

vec3 beam_of_lamp(vec3 d, float seen_m) {  // the light of a turning lamp in the air, two beams
  if (!LAMP || lamp_on < .01) return vec3(0.);
  vec3 light = vec3(0.);
  for (int i = 0; i < 2; i++) {
    float a = lamp.w + 3.1415927 * float(i);
    vec3 u = vec3(sin(a), -.015, cos(a)), w = -lamp.xyz;
    float b = dot(d, u), k = 1. - b * b, dw = dot(d, w), uw = dot(u, w);
    float t = (b * uw - dw) / max(k, 1e-4), along = (uw - b * dw) / max(k, 1e-4);
    t = clamp(t, 0., seen_m); along = max(dot(d * t - lamp.xyz, u), 0.);
    float miss = length(d * t - lamp.xyz - u * along), wide = .25 + along * .035;
    light += vec3(1., .93, .75) * exp(-miss * miss / (wide * wide)) * smoothstep(0., 1.5, along) * exp(-along * .011) * .8 / (1. + wide * .5) * (1. + 3. * pow(max(-b, 0.), 8.));
  }
  return light * lamp_on * (.12 + (1. - daylight()) * (.85 + fog * .8));
}
