//! A drawn picture for each product: one of six motifs in one of five tones, turned a little
//! differently. The same number always draws the same picture.

use leptos::prelude::*;

/// The shapes of a motif, on a ground of 72 × 72: for each its tone (`a`, `b` or `c`) and its path.
const MOTIFS: [[(&str, &str); 3]; 6] = [
    // Hills.
    [
        ("a", "M0 46q18-20 36-6t36-8v40H0z"),
        ("b", "M0 58q20-14 38-4t34-6v24H0z"),
        ("c", "M46 18a9 9 0 1 0 18 0a9 9 0 1 0-18 0z"),
    ],
    // A bowl.
    [
        ("a", "M12 34h48a24 24 0 0 1-48 0z"),
        ("b", "M26 58h20v6H26z"),
        ("c", "M22 26q4-8 0-14M36 26q4-8 0-14M50 26q4-8 0-14"),
    ],
    // Leaves.
    [
        ("a", "M36 66C18 52 18 30 36 10c18 20 18 42 0 56z"),
        ("b", "M32 62C12 60 6 46 8 32c14 4 24 14 24 30z"),
        ("c", "M40 62c20-2 26-16 24-30-14 4-24 14-24 30z"),
    ],
    // Boxes.
    [
        ("a", "M10 38h24v24H10z"),
        ("b", "M38 38h24v24H38z"),
        ("c", "M24 12h24v24H24z"),
    ],
    // Waves.
    [
        (
            "a",
            "M0 20q9-10 18 0t18 0 18 0 18 0v12q-9 10-18 0t-18 0-18 0-18 0z",
        ),
        (
            "b",
            "M0 42q9-10 18 0t18 0 18 0 18 0v10q-9 10-18 0t-18 0-18 0-18 0z",
        ),
        ("c", "M0 62q9-8 18 0t18 0 18 0 18 0v10H0z"),
    ],
    // An arch.
    [
        ("a", "M12 66V36a24 24 0 0 1 48 0v30z"),
        ("b", "M22 66V38a14 14 0 0 1 28 0v28z"),
        ("c", "M30 66V44a6 6 0 0 1 12 0v22z"),
    ],
];

const TONES: [&str; 5] = ["tone-1", "tone-2", "tone-3", "tone-4", "tone-5"];

/// The picture of the product with this number.
#[component]
pub fn Picture(
    /// Which product.
    id: u32,
) -> impl IntoView {
    let at = id as usize;
    let motif = MOTIFS[at % MOTIFS.len()];
    let tone = TONES[(at / 2 + at) % TONES.len()];
    // Mirrored or not, so that two with one motif and tone differ.
    let turn = if at % 4 < 2 {
        "translate(0 0)"
    } else {
        "translate(72 0) scale(-1 1)"
    };
    view! {
        <svg class=format!("picture {tone}") viewBox="0 0 72 72" aria-hidden="true">
            <g transform=turn>
                {motif.map(|(shade, path)| view! { <path class=format!("shade-{shade}") d=path></path> })}
            </g>
        </svg>
    }
}
