// The products' pictures, drawn as SVG: sharp at every size, a few hundred bytes each, no image to download.
const shade = '<ellipse cx="100" cy="172" rx="58" ry="8" fill="#2b2520" opacity=".12"/>';
const picture = (body) =>
  `<svg class="picture" viewBox="0 0 200 200" aria-hidden="true" focusable="false">${shade}${body}</svg>`;

window.art = {
  mug: picture(
    '<path d="M132 92c26-6 38 8 34 28-3 17-20 26-36 24" fill="none" stroke="#b08a68" stroke-width="11" stroke-linecap="round"/>' +
      '<path d="M56 74h80v64c0 20-14 34-40 34s-40-14-40-34z" fill="#c9a382"/>' +
      '<path d="M56 74h80v26c-22 10-54-6-80 6z" fill="#f4ece1"/>' +
      '<ellipse cx="96" cy="74" rx="40" ry="9" fill="#e7d9c8"/><ellipse cx="96" cy="75" rx="33" ry="6" fill="#6b4a35"/>' +
      '<g fill="#8d6a4d"><circle cx="72" cy="124" r="2"/><circle cx="92" cy="142" r="1.6"/><circle cx="112" cy="120" r="2"/>' +
      '<circle cx="84" cy="156" r="1.6"/><circle cx="122" cy="146" r="1.8"/><circle cx="68" cy="144" r="1.4"/></g>' +
      '<path d="M84 56c-6-8 6-12 0-22M104 58c-6-8 6-14 0-24" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" opacity=".75"/>',
  ),
  teapot: picture(
    '<path d="M60 76c0-44 80-44 80 0" fill="none" stroke="#27332f" stroke-width="7"/>' +
      '<path d="M142 112c22-2 20-28 34-32l4 8c-10 8-8 40-36 44z" fill="#33443e"/>' +
      '<path d="M44 122c0-30 24-46 56-46s56 16 56 46-24 50-56 50-56-20-56-50z" fill="#3d524a"/>' +
      '<path d="M54 104c10-18 28-28 46-28 14 0 28 5 38 14-30-6-60-4-84 14z" fill="#55705f" opacity=".7"/>' +
      '<ellipse cx="100" cy="78" rx="30" ry="7" fill="#27332f"/><circle cx="100" cy="67" r="7" fill="#b9824f"/>' +
      '<g fill="#27332f" opacity=".55"><circle cx="66" cy="128" r="3"/><circle cx="82" cy="128" r="3"/><circle cx="98" cy="128" r="3"/>' +
      '<circle cx="114" cy="128" r="3"/><circle cx="130" cy="128" r="3"/><circle cx="74" cy="142" r="3"/><circle cx="90" cy="142" r="3"/>' +
      '<circle cx="106" cy="142" r="3"/><circle cx="122" cy="142" r="3"/></g>',
  ),
  lamp: picture(
    '<path d="M40 112h120l28 60H12z" fill="#fff3cf" opacity=".75"/>' +
      '<path d="M97 108h6v50h-6z" fill="#8a6239"/><path d="M68 158h64c6 0 8 14 8 14H60s2-14 8-14z" fill="#a87b4c"/>' +
      '<path d="M72 34h56l28 78H44z" fill="#f8ecd2"/><path d="M72 34h20L76 112H44z" fill="#fff8e6"/>' +
      '<path d="M44 112h112v6H44z" fill="#e0c690"/><path d="M72 30h56v5H72z" fill="#e0c690"/>' +
      '<path d="M138 118v24" stroke="#8a6239" stroke-width="2"/><circle cx="138" cy="144" r="3.5" fill="#8a6239"/>',
  ),
  throw: picture(
    '<path d="M38 150l124-6v22c0 4-4 6-8 6H46c-5 0-8-3-8-7z" fill="#b98a80"/>' +
      '<path d="M36 118l128-6v34L38 152c-6-8-8-24-2-34z" fill="#d3a79c"/>' +
      '<path d="M40 84l120-6c8 8 10 26 4 36l-128 6c-4-12-4-26 4-36z" fill="#efdcd4"/>' +
      '<path d="M46 52l108-4c8 8 10 22 6 32L40 86c-4-12-2-26 6-34z" fill="#c2938a"/>' +
      '<g stroke="#fff" stroke-width="3" opacity=".55"><path d="M62 52l-2 34M84 51l-2 34M106 50l-2 33M128 49l-2 33"/></g>' +
      '<g stroke="#b98a80" stroke-width="3"><path d="M40 98l126-6M40 106l126-6"/></g>' +
      '<g stroke="#efdcd4" stroke-width="3" stroke-linecap="round"><path d="M164 116l9 2M164 124l9 2M164 132l9 2M164 140l9 2"/></g>',
  ),
  stool: picture(
    '<path d="M70 88l-18 84h13l20-84zM130 88l18 84h-13l-20-84z" fill="#a9743f"/><path d="M94 90h12v74H94z" fill="#8c5d30"/>' +
      '<path d="M62 132h76v7H62z" fill="#8c5d30"/>' +
      '<ellipse cx="100" cy="84" rx="58" ry="15" fill="#9b6a38"/><ellipse cx="100" cy="76" rx="58" ry="15" fill="#d7a56b"/>' +
      '<g fill="none" stroke="#b9854c" stroke-width="2"><ellipse cx="100" cy="76" rx="40" ry="9"/><ellipse cx="100" cy="76" rx="20" ry="4"/></g>',
  ),
  fern: picture(
    '<path d="M100 128c-2-30-2-52 0-74M100 128c-8-24-24-40-40-48M100 128c8-26 26-40 42-46" fill="none" stroke="#2c6b4a" stroke-width="4"/>' +
      '<path d="M100 62c-22-6-26-32-8-46 22 6 28 30 8 46z" fill="#3b8a5f"/>' +
      '<path d="M62 88c-24 6-40-8-38-30 24-4 42 8 38 30z" fill="#4f9e70"/>' +
      '<path d="M140 88c24 6 40-8 38-30-24-4-42 8-38 30z" fill="#2f7a52"/>' +
      '<path d="M76 112c-18 10-36 2-40-16 18-10 36-2 40 16z" fill="#3b8a5f"/><path d="M126 110c18 10 36 2 40-16-18-10-36-2-40 16z" fill="#5bab7b"/>' +
      '<g stroke="#fff" stroke-width="2" opacity=".35"><path d="M96 56l-3-32M56 84L32 62M146 84l24-22"/></g>' +
      '<path d="M64 124h72l-9 48H73z" fill="#c4714b"/><path d="M60 116h80v14H60z" fill="#d98a62"/>',
  ),
  notebook: picture(
    '<g transform="rotate(-8 100 104)"><path d="M56 40h84c6 0 10 4 10 10v108c0 6-4 10-10 10H56z" fill="#f5efe3"/>' +
      '<path d="M52 36h82c6 0 10 4 10 10v108c0 6-4 10-10 10H52z" fill="#47658a"/><path d="M52 36h14v128H52z" fill="#35506f"/>' +
      '<path d="M84 62h42v22H84z" fill="#f5efe3"/><path d="M90 70h30M90 76h20" stroke="#47658a" stroke-width="2"/>' +
      '<path d="M122 36h6v128h-6z" fill="#d98a62"/></g>' +
      '<path d="M150 60l14 6-38 98-12 12-1-18z" fill="#e3b25c"/><path d="M113 158l1 18 12-12z" fill="#f5e6c8"/>',
  ),
  candle: picture(
    '<circle cx="100" cy="54" r="34" fill="#ffe6b0" opacity=".6"/>' +
      '<path d="M100 34c14 16 12 32 0 34-12-2-14-18 0-34z" fill="#f0a23c"/><path d="M100 50c6 8 5 15 0 16-5-1-6-8 0-16z" fill="#fff2cf"/>' +
      '<path d="M99 66h3v16h-3z" fill="#3b2f26"/>' +
      '<path d="M60 84h80v78c0 6-4 10-10 10H70c-6 0-10-4-10-10z" fill="#8b5a3c"/><path d="M60 84h22v88H70c-6 0-10-4-10-10z" fill="#a36d4b"/>' +
      '<ellipse cx="100" cy="84" rx="40" ry="9" fill="#f6e9d4"/><path d="M72 112h56v34H72z" fill="#f6efe2"/>' +
      '<path d="M100 118l10 20H90z" fill="#4d6b57"/><path d="M99 138h2v5h-2z" fill="#4d6b57"/>',
  ),
};
