//! The number of what is written: names and types, without spaces.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// FNV-1a, as of 32 bits: two schemas that differ by chance have one number once in four billion.
pub(crate) fn number(text: &str) -> u32 {
    let bytes = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// `posts:List<Post>;`
pub(crate) fn field(name: &str, ty: &impl ToTokens) -> String {
    format!("{name}:{};", ty.to_token_stream())
}

/// `Node::schema` of a derived type: its own names, and what is inside of it.
pub(crate) fn method(own: &str, inside: &[TokenStream]) -> TokenStream {
    let own = number(own);
    quote::quote! {
        #[allow(unused_variables)]
        fn schema(schema: &mut __schema::Schema) {
            if schema.enter::<Self>(#own) {
                #(#inside.schema(schema);)*
            }
        }
    }
}
