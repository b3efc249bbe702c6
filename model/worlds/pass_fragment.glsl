#version 330
// What a text's words mean where it runs as fragments of a triangle or of rectangles.
#define HERE gl_FragCoord.xy
#define OUT0(kind, name) layout(location = 0) out kind name;
#define OUT1(kind, name) layout(location = 1) out kind name;
#define OUT2(kind, name) layout(location = 2) out kind name;
#define GIVEN(kind, name) in kind name;
#define MISS discard
#define DEPTH(share) gl_FragDepth = share;
#define ONLY(wanted)
