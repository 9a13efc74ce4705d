#[tokio::main]
#[::charm_tracing::trace_fn(__last(::charm_tracing), name = "main")]
async fn waits(text: &str) -> anyhow::Result<u8> {
    Ok(text.parse()?)
}
impl<T: Debug> Service for Database<T> {
    type Error = Full<T>;
    #[cfg_attr(feature = "renamed", trace_fn(name = "renamed"))]
    #[must_use]
    #[::charm_tracing::trace_fn(
        __last(
            ::charm_tracing,
            "Db"
            impl<T:Debug>Service
            for
            Database<T>{type
            Error = Full<T>;}
        )
    )]
    fn call(&self) -> Result<(), Self::Error> {
        self.inner()
    }
}
const _: () = {
    #[doc(hidden)]
    pub struct __TracedBlock;
    #[doc(hidden)]
    #[automatically_derived]
    impl<
        T: Debug,
    > ::charm_tracing::__private::extra_types::Block<
        __TracedBlock,
        (::charm_tracing::__private::PhantomData<T>,),
        Number,
        Database<T>,
    > for ::charm_tracing::__private::extra_types::Blocks {}
};
#[::charm_tracing::trace_fn(
    __last(::charm_tracing, "Db" impl Database{}),
    name = "renamed",
    attributes(length = text.len())
)]
fn read(text: &str) -> usize {
    text.len()
}
