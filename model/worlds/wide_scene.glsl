// One view of a full world: what the passes before it met, lit by one sun, the sky and lamps. SHOWS: 0 the sky, 1 water, 2
// all else. A program for each, chosen by depth or by ONLY: a software rasterizer runs every branch that it is given.
uniform sampler2D cells, met, surfaces, paints;
uniform vec4 caster[24];     // spheres that throw shadows: relative to the eye, radius
uniform int casters;
uniform vec4 fire[2];        // lights: relative to the eye, strength
uniform vec4 burst;          // colour of a flash of fireworks, strength
uniform float night_lights;
OUT0(vec4, colour)
OUT1(float, distance_m)
OUT2(vec4, normal_material)
const int GROUND = 0, WATER = 1, TRUNK = 2, PINE = 3, LEAF = 4, CACTUS = 5, ROCK = 6, FIGURE = 7, WALL = 8, WINDOW = 9, CLOTH = 10, STONE = 11;

const vec3 SAND = PLACE == 2 ? vec3(.20, .135, .08) : PLACE == 5 ? vec3(.16, .10, .07) : vec3(0.);  // what bright ground throws on walls

float spheres(vec3 p, vec3 l) {  // of the light toward l; p relative to the eye
  float light = 1.;
  for (int i = 0; i < casters; i++) {
    vec3 o = caster[i].xyz - p;
    float along = dot(o, l);
    if (along > 0. && along < 60.) light = min(light, smoothstep(.75, 1.2, length(o - l * along) / caster[i].w));
  }
  return light;
}

float shade(vec3 p, vec3 l) {  // 1 lit, 0 in the shadow of hills, crowns, houses and figures
  float light = 1., t = .5;
  for (int i = 0; i < 14; i++) {
    vec3 q = p + l * t;
    light = min(light, .5 + .5 * clamp((q.y - height(q.xz)) / t * 10., -1., 1.));
    t *= 1.48;
  }
  vec2 way = l.xz / max(length(l.xz), 1e-3);
  for (int i = 0; i < 5; i++) {
    vec2 cell = floor((p.xz + way * float(i) * 5.) / CELL);
    vec4 c = texelFetch(cells, ivec2(mod(cell, TILE / CELL)), 0);
    if (c.b > 0.) {
      int kind = int(c.a + .5);
      vec2 at = (cell + c.rg) * CELL;
      float mid = kind == 2 ? .62 : kind == 1 ? .42 : kind == 3 ? .5 : kind == 5 ? .42 : .2, wide = kind == 2 ? .33 : kind == 1 ? .20 : kind == 3 ? .14 : kind == 5 ? .62 : .8;
      vec3 o = vec3(at.x, height(at) + c.b * mid, at.y) - p;
      float along = dot(o, l);
      float miss = length((o - l * along) * vec3(1., kind == 3 || kind == 1 ? .45 : .9, 1.)) / (c.b * wide);
      float ragged = kind < 3 ? .22 * (rnd(p.xz * 5.).x - .5) : 0.;
      if (along > (kind == 5 ? 3. : 0.)) light = min(light, smoothstep(.72, 1.15, miss + ragged));
    }
  }
  return min(light, spheres(p - eye, l));
}

float occlusion(vec3 p, vec3 n) {  // of the sky, by the ground around, by trunks and houses, by figures
  float sum = 0.;
  for (int i = 0; i < 8; i++) {
    float a = 2.4 * float(i), r = .7 + 1.15 * float(i);
    vec2 q = p.xz + vec2(cos(a), sin(a)) * r;
    sum += clamp((height(q) - p.y - r * .08) / r, 0., 1.4);
  }
  float open = 1. / (1. + .30 * sum);
  vec2 cell = floor(p.xz / CELL);
  vec4 c = texelFetch(cells, ivec2(mod(cell, TILE / CELL)), 0);
  if (c.b > 0.) {
    float away = length(p.xz - (cell + c.rg) * CELL), wide = c.b * (int(c.a + .5) == 5 ? .75 : int(c.a + .5) == 4 ? 1.2 : .30);
    float under = smoothstep(wide * .2, wide * 1.25, away);
    open *= mix(1., .55 + .45 * under, smoothstep(c.b * .5, 0., p.y - height(p.xz)));
  }
  vec3 q = p - eye;
  for (int i = 0; i < casters; i++) {
    vec3 o = caster[i].xyz - q;
    float k = dot(o, o), r = caster[i].w;
    if (k < 9. * r * r && k > r * r * .9) open *= 1. - .55 * max(dot(n, o) / sqrt(k), 0.) * r * r / k;
  }
  return open;
}

float kept(float waves, float wide) { float k = waves * wide; return 1. / (1. + k * k); }  // of a pattern so fine, in a pixel so wide

vec3 ground_albedo(vec3 p, vec3 n, float tint, float far, out float rough) {
  vec3 way = normalize(p - eye);
  float soft = 1. / (1. + far * .012), wide_m = far * span / window.w / clamp(abs(dot(n, way)), .2, 1.);  // of a pixel
  float fine = mix(.5, rnd(p.xz * 31.).w, soft * kept(22., wide_m)), near = mix(.5, rnd(p.xz * 9.).x, sqrt(soft) * kept(6., wide_m)), mid = rnd(p.xz * 2.1).y, wide = rnd(p.xz * .31).z, r = near * .35 + mid * .35 + wide * .3;
  vec3 c;
  rough = near;
#if PLACE == 2
  float ripple = .5 + .5 * sin(p.x * 2.6 + p.z * 1.1 + mid * 7.);
  c = mix(vec3(.80, .53, .28), vec3(.94, .72, .44), r) * (.93 + .07 * ripple * soft);
  float layers = fract(p.y * .33 + mid * .16);
  vec3 mesa = mix(vec3(.56, .27, .15), vec3(.80, .47, .27), smoothstep(.2, .8, layers)) * (.8 + .3 * near);
  c = mix(c, mesa, smoothstep(.86, .70, n.y));
#elif PLACE == 3
  vec3 rock = mix(vec3(.25, .24, .26), vec3(.49, .46, .44), r) * (.88 + .24 * fract(p.y * .4 + wide * 2.));
  vec3 grass = mix(vec3(.18, .30, .11), vec3(.38, .42, .18), r);
  c = mix(rock, grass, smoothstep(.80, .93, n.y) * smoothstep(26., 10., p.y + wide * 8.));
  c = mix(c, vec3(.92, .94, .98), smoothstep(17., 25., p.y + mid * 7. - 4.) * smoothstep(.52, .78, n.y + .08 * (near - .5)));
#elif PLACE == 5
  float y = p.y + mid * 1.1 + wide * 1.6;
  float band = fract(y * .22), thin = fract(y * .83);
  vec3 wall = mix(vec3(.50, .19, .10), vec3(.82, .44, .24), smoothstep(.1, .5, band) * smoothstep(1., .8, band));
  wall = mix(wall, vec3(.90, .66, .45), smoothstep(.80, .86, thin) * .5) * (.82 + .3 * near);
  vec3 dust = mix(vec3(.66, .38, .22), vec3(.82, .56, .36), r);
  vec3 green = mix(vec3(.24, .32, .10), vec3(.46, .45, .18), r);
  c = mix(wall, dust, smoothstep(.78, .90, n.y));
  c = mix(c, green, smoothstep(.88, .96, n.y) * smoothstep(5.5, 2., p.y) * smoothstep(.35, .65, wide + .3 * (near - .5)));
#elif PLACE == 7
  c = mix(vec3(.30, .295, .285), vec3(.50, .49, .47), r * .6 + tint * .4) * (.86 + .26 * fine);
  c = mix(c, vec3(.60, .59, .57), smoothstep(.62, .75, wide) * .35);
#elif PLACE == 6
  c = mix(vec3(.17, .34, .09), vec3(.44, .47, .17), r * .7 + tint * .5);
  vec2 off = abs(p.xz - TILE * .5);
  float town = smoothstep(71., 68., max(off.x, off.y));
  vec2 stone = p.xz * 1.35; stone.x += .5 * mod(floor(stone.y), 2.);
  vec2 in_stone = abs(fract(stone) - .5);
  float joint = smoothstep(.42, .49, max(in_stone.x, in_stone.y)) * soft * kept(5., wide_m);
  vec3 cobble = mix(vec3(.40, .37, .33), vec3(.60, .56, .50), mix(.5, dice(ivec2(floor(stone)), 3u), soft * kept(1.4, wide_m))) * (.85 + .25 * near);
  c = mix(c, mix(cobble, vec3(.24, .22, .19), joint * .7), town);
#else
  c = mix(vec3(.16, .34, .075), vec3(.46, .50, .17), r * .7 + tint * .5);
#if PLACE == 1
  c = mix(mix(vec3(.15, .13, .06), vec3(.34, .25, .12), near), mix(vec3(.10, .22, .05), vec3(.26, .36, .10), r), smoothstep(.35, .65, wide * .6 + tint * .5));
#endif
  c = mix(c, vec3(.44, .37, .26) * (.8 + .4 * mid), smoothstep(.80, .62, n.y));
  c *= .86 + .28 * fine;
#if PLACE == 0
  c = mix(c, mix(vec3(.95, .85, .25), vec3(.85, .35, .55), step(.5, wide)), smoothstep(.80, .86, near) * smoothstep(.45, .6, wide) * .75);
#endif
#endif
#if PLACE != 2 && PLACE != 7
  c = mix(mix(vec3(.78, .68, .47), vec3(.66, .56, .38), near) * (PLACE == 5 ? vec3(1., .8, .66) : vec3(1.)), c, smoothstep(.25, PLACE == 4 ? 1.6 : .8, p.y + mid * .6 - .3));
  c *= mix(.62, 1., smoothstep(-.02, .22, p.y));
#endif
  return c;
}

vec3 lamps(vec3 p, vec3 n) {  // fires and fireworks on a surface; p relative to the eye
  vec3 c = vec3(0.);
  if (FIRES) for (int i = 0; i < 2; i++) if (fire[i].w > .001) {
    vec3 o = fire[i].xyz - p;
    float k = dot(o, o);
    c += vec3(1., .47, .15) * fire[i].w * (.25 + .75 * max(dot(n, o * inversesqrt(k)), 0.)) * 7. / (2. + k);
  }
  return c + burst.rgb * burst.a * (.3 + .5 * max(n.y, 0.));
}

void each() {
  vec2 found_here = texelFetch(met, ivec2(HERE), 0).rg;
  float found = found_here.x, up = fract(found_here.y);
  int material = found_here.y < 0. ? -1 : int(found_here.y);
  ONLY(SHOWS == (material < 0 ? 0 : material == WATER ? 1 : 2))
  vec3 d = ray(HERE), n = vec3(0., 1., 0.);
  vec4 painted = vec4(0.);
  if (SHOWS == 2 && material > WATER) {
    n = texelFetch(surfaces, ivec2(HERE), 0).xyz;
    painted = texelFetch(paints, ivec2(HERE), 0);
  }
  vec3 s = sun(), background = sky(d), c = background;
  float day = daylight(), g = glow(), over = overcast(), wet = max(rain, .8 * storm) * (1. - cover);
  if (SHOWS > 0) {
    vec3 p = eye + d * found, l = s.y > -.04 ? normalize(vec3(s.x, max(s.y, .06), s.z)) : moon(), albedo = vec3(.5);
    vec3 direct = s.y > -.04 ? mix(low_sun(), vec3(1.27, 1.17, 1.0), smoothstep(.02, .42, s.y)) * smoothstep(-.04, .10, s.y) : vec3(.20, .25, .38);
    direct *= mix(1., .16, over) * (1. - .5 * storm);
    vec3 ambient = mix(vec3(.062, .080, .145), vec3(.34, .40, .50), day) * mix(1., 1.12, over) * (1. - .42 * storm * day) + low_sun() * g * .10 + vec3(.55, .58, .72) * flash();
    ambient += vec3(.02, .085, .055) * aurora * (1. - day) * (1. - over) * (.5 + .6 * pulse);
#if PLACE == 7
    direct = vec3(1.45, 1.42, 1.36) * smoothstep(-.03, .05, s.y);
    ambient = vec3(.085, .088, .10) + .05 * day;  // what bright ground throws into shadows: there is no sky
    if (s.y < -.03) { l = normalize(vec3(.55, .42, .72)); direct = vec3(.17, .21, .28); }  // the light of the Earth
#endif
    float open = 1., rough = .5;
    if (SHOWS == 1) {
      float calm = 1. / (1. + found * .035);
      vec2 q = p.xz, w = vec2(0.);
      for (int i = 0; i < 4; i++) {
        float a = .6 + 1.9 * float(i), k = .55 * pow(1.9, float(i)), phase = dot(q, vec2(cos(a), sin(a))) * k - clock * sqrt(9.81 * k) * .55;
        w += vec2(cos(a), sin(a)) * cos(phase + 2. * rnd(q * .4).x) * .042 * (PLACE != 4 ? .40 : 1.);
      }
      vec4 a = rnd(q * 3.4 + clock * vec2(3.1, 1.3)), b = rnd(q * 8.3 - clock * vec2(2.2, 3.7));
      w += (vec2(a.x + b.y, a.z + b.w) - 1.) * ((PLACE == 4 ? .16 : .07) + .3 * max(rain, storm));
      n = normalize(vec3(w.x * calm, 1., w.y * calm));
      vec3 r = reflect(d, n);
      r.y = abs(r.y) + .004; r = normalize(r);
      float f = .03 + .97 * pow(1. - max(dot(-d, n), 0.), 5.), deep = clamp(-height(p.xz) * .35, 0., 1.);
      vec3 mirrored = sky(r);
      float bank = march(p + vec3(0., .02, 0.), r, .3, 26, .06);
      if (bank < FAR) {
        vec3 q3 = p + r * bank; vec4 g4 = textureLod(terrain, q3.xz / TILE, 0.); vec3 bn = normalize(vec3(-g4.g, 1., -g4.b)); float dull;
        vec3 shore = ground_albedo(q3, bn, g4.a, bank + found, dull) * (direct * max(dot(bn, l), 0.) + ambient * .8);
        mirrored = mix(shore, mirrored, smoothstep(40., 200., bank));
      }
      vec3 bed = (PLACE == 5 ? vec3(.30, .24, .14) : PLACE == 4 ? vec3(.22, .52, .48) : vec3(.20, .34, .28));
      vec3 body = mix(bed, PLACE == 4 ? vec3(.015, .12, .22) : vec3(.03, .10, .13), deep) * (ambient * 1.4 + direct * .35);
      c = mix(body, mirrored, f * .92);
      c += direct * pow(max(dot(r, l), 0.), 240.) * 1.6 * (1. - over) * spheres(p - eye, l);
      c += lamps(p - eye, r) * .30;
      float surf = -height(p.xz), roll = .5 + .5 * sin(clock * 1.3 + surf * 9. + a.x * 4.);
      float foam = smoothstep(.20, .0, surf - .06 * roll) * (.5 + .5 * roll);
      if (PLACE == 4) foam += smoothstep(.55, .9, roll) * smoothstep(1.2, .1, surf) * smoothstep(.45, .7, rnd(q * 6.).y) * .6;
      c = mix(c, (ambient + direct * .6) * .95, clamp(foam, 0., 1.) * .7 * smoothstep(0., .03, surf));
    } else {
      float soft = 1.;
      if (material == GROUND) {
        vec4 g4 = textureLod(terrain, p.xz / TILE, 0.);
        n = normalize(vec3(-g4.g, 1., -g4.b));
        albedo = ground_albedo(p, n, g4.a, found, rough);
        vec4 bump = rnd(p.xz * 6.3), small = rnd(p.xz * 23.);
        float wide_m = found * span / window.w / clamp(abs(dot(n, d)), .2, 1.);
        vec2 tilt = (bump.xy - .5) * (PLACE == 7 ? .5 : .26) / (1. + found * .02) * kept(5., wide_m) + (small.xy - .5) * .34 / (1. + found * .10) * kept(16., wide_m);
#if PLACE == 2
        tilt.x += cos(p.x * 2.6 + p.z * 1.1 + rnd(p.xz * 2.1).y * 7.) * .10 / (1. + found * .05);
#endif
        n = normalize(n + vec3(tilt.x, 0., tilt.y) * (1. - .7 * cover));
      } else if (material < FIGURE) {
        float grain = rnd(p.xz * 13. + p.y * 17.).x, lump = rnd(p.xz * 3.3 + p.y * 4.1).y, twig = rnd(p.xz * 29. + p.y * 31.).z;
        if (material == PINE) { albedo = mix(vec3(.04, .13, .07), vec3(.13, .28, .11), lump * .6 + up * .4) * (.70 + .4 * grain + .25 * twig); soft = .50 + .50 * fract(up * 4.6 + .35); n = normalize(n + (vec3(twig, grain, 1. - twig) - .5) * .7); }
        else if (material == LEAF) { vec2 own = floor(p.xz / CELL); float kin = dice(ivec2(own), 2u); albedo = mix(vec3(.10, .25, .045), mix(vec3(.34, .45, .10), vec3(.50, .42, .10), kin * .6), lump * .6 + .25 * grain) * (.75 + .45 * twig); soft = .55 + .45 * up; n = normalize(n + (vec3(lump, grain, 1. - twig) - .5) * 1.1); }
        else if (material == CACTUS) albedo = mix(vec3(.16, .36, .17), vec3(.30, .50, .24), .5 + .5 * sin(atan(n.z, n.x) * 12.));
        else if (material == TRUNK) albedo = vec3(.27, .19, .12) * (.6 + .5 * rnd(vec2(atan(n.z, n.x) * 4., p.y * 2.)).x + .3 * grain);
        else { albedo = (PLACE == 2 || PLACE == 5 ? vec3(.62, .38, .24) : PLACE == 7 ? vec3(.40, .39, .38) : vec3(.42, .41, .40)) * (.60 + .55 * lump + .2 * twig); n = normalize(n + (vec3(lump, grain, lump * grain * 2.) - .5) * .8); }
      } else albedo = painted.rgb;
      if (material != WINDOW) {
        float lies = material == FIGURE || material == CLOTH ? .0 : cover;
        if (COVERED) albedo = mix(albedo, vec3(.90, .92, .97), lies * smoothstep(.28, .60, n.y + (material == PINE ? .15 : 0.) + .14 * (rnd(p.xz * 5.).y - .5)));
        albedo *= 1. - .34 * wet * (material == FIGURE ? .4 : 1.);
      }
      open = occlusion(p, n);
      float lambert = max(dot(n, l), 0.), lit = lambert > 0. ? shade(p + n * .06, l) : 0.;
      float through = material == LEAF || material == PINE ? .22 * max(dot(d, l), 0.) * soft : 0.;
      c = albedo * (direct * (lambert * lit + through) + (ambient * (.42 + .58 * (.5 + .5 * n.y)) + direct * max(l.y, 0.) * SAND * (1. - n.y)) * soft * open + direct * .13 * soft * open * max(dot(n, -l), 0.) + lamps(p - eye, n));
      if (material >= FIGURE && material != WALL) c += direct * lit * .06 * pow(1. - max(dot(n, -d), 0.), 3.);
      c += painted.rgb * painted.a * (material == WINDOW ? 1. + 1.3 * pulse : 1.3) * (material >= FIGURE ? 1. : 0.);
      if (WET) c += direct * lit * pow(max(dot(reflect(d, n), l), 0.), 24.) * .10 * wet;
      if (COVERED) c += vec3(.9, .95, 1.) * direct * lit * cover * step(.985, rnd(p.xz * 71.).x) * pow(max(dot(reflect(d, n), l), 0.), 4.) * .8 / (1. + found * .1);
      if (WET && material == GROUND && wet > .05) {
        float pool = smoothstep(.50, .62, rnd(p.xz * .9).w * .6 + rnd(p.xz * 3.).z * .4 + .12 * (n.y - 1.)) * smoothstep(.93, .985, textureLod(terrain, p.xz / TILE, 0.).g == 0. ? 1. : normalize(vec3(-textureLod(terrain, p.xz / TILE, 0.).g, 1., -textureLod(terrain, p.xz / TILE, 0.).b)).y);
        vec2 rings = (rnd(p.xz * 24. + clock * 19.).xy - .5) * .16;
        vec3 r = reflect(d, normalize(vec3(rings.x, 1., rings.y))); r.y = abs(r.y) + .02;
        float f = .04 + .75 * pow(1. - max(-d.y, 0.), 4.);
        c = mix(c, sky(normalize(r)) * open, pool * wet * f);
      }
    }
    vec3 air = mix(horizon_colour(), background, PLACE == 7 ? 0. : .35) + low_sun() * g * pow(max(dot(d, s), 0.), 4.) * .2 * (1. - over);
#if PLACE == 7
    float clear_air = 1.; air = background; clear_air = smoothstep(FAR, FAR * .85, found);
#else
    float low = dawn() ? g * (1. - over) * .55 : 0.;  // mist of a clear dawn lies in the hollows
    float lying = low * .030 * exp(-max(p.y - 1., 0.) * .28) ;
    float clear_air = exp(-found * (.0028 + .0016 * over + .010 * max(rain, storm * .8) + .012 * snow + .042 * fog + lying)) * smoothstep(FAR, FAR * .72, found);
#endif
    c = mix(air, c, clear_air);
    if (BOW) c += bow(d) * (1. - exp(-found * .012)) * .8 * (PLACE == 7 ? 0. : 1.);
  }
  vec3 mist = horizon_colour();
  if (SHOWS == 0) c = mix(c, mist, clamp(fog * (1.02 - .55 * max(d.y, 0.)) + (max(rain, storm * .7) + snow) * .35 * exp(-4. * max(d.y, 0.)), 0., 1.));
  if (FIRES) for (int i = 0; i < 2; i++) if (fire[i].w > .001) {  // the glow around a fire
    float along = clamp(dot(fire[i].xyz, d), 0., found);
    c += vec3(1., .45, .14) * fire[i].w * .05 / (.25 + dot(fire[i].xyz - d * along, fire[i].xyz - d * along) * 1.6);
  }
  c += beam_of_lamp(d, found);
  {
    vec2 uv = vec2(atan(d.x, d.z), asin(clamp(d.y, -1., 1.)));
    if (SNOWING && snow > .01) for (int i = 0; i < 4; i++) {
      float f = 9. + 8. * float(i);
      vec2 q = uv * f + vec2(sin(clock * .7 + float(i)) * .4 + clock * .5, clock * (5.2 - float(i)) ) + float(i) * 17.3;
      ivec2 cell = ivec2(floor(q));
      float here = step(1. - .45 * snow, dice(cell, uint(i)));
      vec2 at = vec2(.25) + .5 * vec2(dice(cell, 40u), dice(cell, 41u));
      c = mix(c, mix(vec3(.30, .33, .42), vec3(.96, .97, 1.), day), here * .8 * smoothstep(.13, .04, length(fract(q) - at)) * smoothstep(0., 1.2 + .8 * float(i), found));
    }
    float drops = max(rain, storm);
    if (WET && drops > .01) for (int i = 0; i < 2; i++) {
      vec2 f = vec2(15. + 13. * float(i), 2.0 + 1.2 * float(i)), q = vec2(uv.x + uv.y * .10 * (1. + 2. * storm), uv.y) * f + float(i) * 9.7;
      float lane = dice(ivec2(int(floor(q.x)), 7), uint(i));
      q.y += clock * (10. + 4. * lane) + lane * 40.;
      float here = step(1. - .42 * drops, dice(ivec2(floor(q)), 50u + uint(i)));
      float streak = smoothstep(.11, .0, abs(fract(q.x) - .5)) * smoothstep(.0, .3, fract(q.y)) * smoothstep(.9, .45, fract(q.y));
      c = mix(c, mix(vec3(.24, .27, .34), vec3(.80, .84, .90), day) + flash() * .3, here * streak * .30);
    }
  }
  c = c * (1. + c * .12) / (c * .62 + .62);
  colour = vec4(pow(clamp(c, 0., 1.), vec3(.92)), 1.);
  distance_m = SHOWS == 0 ? FAR : min(found, FAR);
  normal_material = vec4(SHOWS == 1 ? vec3(0., 1., 0.) : n, float(material));
}
