// The same picture as a photograph, as neon, as ink on paper, as soft pastel; with the jagged edges of surfaces softened.
uniform sampler2D scene, distances, normals;
// LOOK: 0 natural, 1 neon, 2 ink, 3 pastel
uniform float glow_pulse;
OUT0(vec4, colour)           // and the material, 255 the sky
OUT1(vec4, turned)           // the normal of 127, as bytes of a whole number with its sign
uniform sampler2D noise;
uniform vec2 paper;          // the picture's corner in the whole, pixels
uniform float fine;          // pixels of the whole's height / 288

vec3 at(ivec2 p) { ivec2 e = textureSize(scene, 0) - 1; return texelFetch(scene, clamp(p, ivec2(0), e), 0).rgb; }
float luma(vec3 c) { return dot(c, vec3(.2126, .7152, .0722)); }
float metres(ivec2 p) { return texelFetch(distances, clamp(p, ivec2(0), textureSize(scene, 0) - 1), 0).r; }
vec3 facing(ivec2 p) { return texelFetch(normals, clamp(p, ivec2(0), textureSize(scene, 0) - 1), 0).xyz; }

vec3 softened(ivec2 p) {
  vec3 c = at(p), n = at(p + ivec2(0, 1)), s = at(p - ivec2(0, 1)), e = at(p + ivec2(1, 0)), w = at(p - ivec2(1, 0));
  float lc = luma(c), ln = luma(n), ls = luma(s), le = luma(e), lw = luma(w);
  float range = max(max(max(ln, ls), max(le, lw)), lc) - min(min(min(ln, ls), min(le, lw)), lc);
  if (range < .06) return c;
  float across = abs(ln + ls - 2. * lc), along = abs(le + lw - 2. * lc);
  vec3 blurred = across > along ? (n + s + 2. * c) * .25 : (e + w + 2. * c) * .25;
  return mix(c, mix(blurred, (n + s + e + w + 2. * c) / 6., .35), clamp(range * 6. - .2, 0., .85));
}

float edge(ivec2 p, int w) {
  float m = metres(p), sum = 0.;
  vec3 f = facing(p);
  for (int i = 0; i < 4; i++) {
    ivec2 o = i < 2 ? ivec2(i == 0 ? w : -w, 0) : ivec2(0, i == 2 ? w : -w);
    float k = metres(p + o);
    sum += smoothstep(.05, .16, (k - m) / m) + .55 * smoothstep(.45, .9, length(facing(p + o) - f)) * step(m, 90.) * smoothstep(120., 20., m);
  }
  return clamp(sum * .8, 0., 1.);
}

void each() {
  ivec2 p = ivec2(HERE);
  vec3 c = softened(p);
  vec2 q = (HERE + paper) / fine;
  int w = max(1, int(fine + .5));
  if (LOOK == 1) {
    float e = edge(p, w), l = luma(c), m = metres(p);
    l = sqrt(l) * .8;
    vec3 cool = mix(vec3(.02, .0, .08), vec3(.20, .06, .50), smoothstep(.05, .55, l));
    cool = mix(cool, vec3(.95, .22, .62), smoothstep(.42, .92, l) * .75);
    cool += (c - l) * .75;
    vec3 line = mix(vec3(.1, .95, 1.), vec3(1., .15, .75), smoothstep(4., 60., m));
    c = clamp(cool, 0., 1.) * (1. - e * .4) + line * e * (.85 + .4 * glow_pulse) * smoothstep(299., 180., m);
  } else if (LOOK == 2) {
    float l = luma(c), e = edge(p, w), tooth = textureLod(noise, q / 190., 0.).x * .5 + textureLod(noise, q / 61., 0.).y * .5;
    vec3 sheet = vec3(.955, .925, .860) * (.955 + .07 * tooth);
    float wobble = (textureLod(noise, q / 700., 0.).z - .5) * 10.;
    float a = abs(fract((q.x + q.y + wobble) / 4.6) - .5) * 2., b = abs(fract((q.x - q.y + wobble) / 5.2) - .5) * 2.;
    float ink = smoothstep(.18, .50, .62 - l - .30 * a) * .72;
    ink = max(ink, smoothstep(.16, .44, .36 - l - .26 * b) * .85);
    ink = max(ink, smoothstep(.26, .05, l + .14 * (tooth - .5)));
    vec3 wash = mix(vec3(1.), c / max(l, .08), .22) * mix(1., .80, smoothstep(.75, .2, l));
    vec3 drawn = mix(sheet * wash, vec3(.09, .085, .12), clamp(max(ink, e * (.65 + .5 * tooth)), 0., 1.) * .93);
    vec3 scraped = mix(vec3(.09, .085, .12) + .9 * c, sheet * wash, clamp(e * .5, 0., 1.) * (.65 + .5 * tooth));
    c = mix(scraped, drawn, smoothstep(.05, .13, l));  // in the dark lines are scraped out of the ink
  } else if (LOOK == 3) {
    vec3 around = vec3(0.);
    for (int i = 0; i < 8; i++) { float t = 2.4 * float(i); around += at(p + ivec2(vec2(cos(t), sin(t)) * (1. + .45 * float(i)) * fine)); }
    c = mix(c, around / 8., .55);
    float l = luma(c), tooth = textureLod(noise, q / 150., 0.).w - .5;
    c = mix(vec3(l), c, 1.25);
    c = .27 + .71 * pow(max(c, 0.), vec3(mix(.55, .86, smoothstep(.0, .35, l))));  // darkness keeps its forms
    c = mix(c, mix(vec3(.66, .62, .80), vec3(1., .93, .86), smoothstep(.3, .9, luma(c))), .20);
    c += tooth * .075 * (1. - l);
  }
  vec4 f = texelFetch(normals, p, 0);
  colour = vec4(clamp(c, 0., 1.), (f.w < 0. ? 255. : f.w) / 255.);
  vec3 whole = roundEven(f.xyz * 127.);
  turned = vec4(mix(whole, whole + 256., lessThan(whole, vec3(0.))) / 255., 0.);
}
