#[trace_type(skip(version))]
impl<'a, T: Debug> Database<'a, T>
where
    T: Send,
{
    const PORT: u16 = 5432;

    pub fn new(inner: &'a T) -> Self {
        Self { inner }
    }

    pub fn connect(&mut self) -> Result<(), Error> {
        self.open(Self::PORT)
    }

    pub fn version(&self) -> u8 {
        3
    }

    #[trace_fn(name = "reset")]
    pub fn reset(&mut self) {}

    pub const fn port() -> u16 {
        Self::PORT
    }
}
