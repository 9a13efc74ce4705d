//! Receivers of methods, and the types and traits that methods belong to.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut, Index};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use charm_tracing::{trace_fn, trace_type};

use crate::table::at;

constructs! {
    pointers_to_self {
        #[derive(Clone)]
        struct Unit(u8);

        #[trace_type]
        impl Unit {
            fn new() -> Self {
                Self(7)
            }

            fn by_reference(&self) -> u8 {
                self.0
            }

            #[allow(clippy::needless_arbitrary_self_type)]
            fn typed_reference(self: &Self) -> Result<&u8, fmt::Error> {
                Ok(&self.0)
            }

            fn named<'a>(&'a self, _: &str) -> Result<&'a u8, fmt::Error> {
                Ok(&self.0)
            }

            fn by_value(self) -> Result<u8, fmt::Error> {
                Ok(self.0)
            }

            #[allow(clippy::boxed_local)]
            fn boxed(self: Box<Self>) -> Result<u8, fmt::Error> {
                Ok(self.0)
            }

            fn shared(self: Rc<Self>) -> Result<u8, fmt::Error> {
                Ok(self.0)
            }

            fn shared_between_threads(self: Arc<Self>) -> u8 {
                self.0
            }

            fn pinned(self: Pin<&mut Self>) -> Result<&mut u8, fmt::Error> {
                Ok(&mut self.get_mut().0)
            }

            fn pinned_box(mut self: Pin<Box<Self>>) -> Result<u8, fmt::Error> {
                self.as_mut().set(Self(8));
                Ok(self.0)
            }

            fn reference_to_shared(self: &Rc<Self>) -> Result<u8, fmt::Error> {
                Ok(self.0)
            }
        }
    } runs {
        let mut unit = Unit::new();
        assert_eq!(unit.by_reference(), 7);
        assert_eq!(unit.typed_reference(), Ok(&7));
        assert_eq!(unit.named(""), Ok(&7));
        assert_eq!(Pin::new(&mut unit).pinned(), Ok(&mut 7));
        assert_eq!(Box::pin(unit.clone()).pinned_box(), Ok(8));
        assert_eq!(Box::new(unit.clone()).boxed(), Ok(7));
        assert_eq!(Rc::new(unit.clone()).reference_to_shared(), Ok(7));
        assert_eq!(Rc::new(unit.clone()).shared(), Ok(7));
        assert_eq!(Arc::new(unit.clone()).shared_between_threads(), 7);
        assert_eq!(unit.by_value(), Ok(7));
    } traces "
        method call: Unit.new
        method call: Unit.by_reference
        method call: Unit.typed_reference
        method call: Unit.named
        method call: Unit.pinned
        method call: Unit.pinned_box
        method call: Unit.boxed
        method call: Unit.reference_to_shared
        method call: Unit.shared
        method call: Unit.shared_between_threads
        method call: Unit.by_value
    "

    trait_objects {
        trait Backend {
            fn push(&self) -> Result<u8, String>;

            #[trace_fn]
            fn push_twice(&self) -> Result<u8, String> {
                Ok(self.push()? + self.push()?)
            }

            fn shared(self: Rc<Self>) -> Result<u8, String>;

            #[trace_fn]
            fn boxed(self: Box<Self>) -> Result<u8, String> {
                Err("only shared".to_owned())
            }

            #[trace_fn]
            fn only_sized(self) -> Result<u8, String>
            where
                Self: Sized,
            {
                self.push()
            }
        }

        #[derive(Clone, Copy)]
        struct Tempo;

        #[trace_type]
        impl Backend for Tempo {
            fn push(&self) -> Result<u8, String> {
                Ok(1)
            }

            fn shared(self: Rc<Self>) -> Result<u8, String> {
                self.push()
            }
        }

        #[trace_type]
        impl dyn Backend {
            fn inherent(&self) -> Result<u8, String> {
                self.push()
            }
        }

        #[trace_fn]
        fn through(backend: &dyn Backend) -> Result<u8, String> {
            backend.push_twice()
        }
    } runs {
        assert_eq!(through(&Tempo), Ok(2));
        let shared: Rc<dyn Backend> = Rc::new(Tempo);
        assert_eq!(shared.inherent(), Ok(1));
        assert_eq!(shared.shared(), Ok(1));
        let boxed: Box<dyn Backend> = Box::new(Tempo);
        assert!(boxed.boxed().is_err());
        assert_eq!(Tempo.only_sized(), Ok(1));
    } traces "
        function call: through
          method call: Tempo.push_twice
            method call: Tempo.push
            method call: Tempo.push
        method call: dyn Backend.inherent
          method call: Tempo.push
        method call: Tempo.shared
          method call: Tempo.push
        method call: Tempo.boxed [error: only shared]
        method call: Tempo.only_sized
          method call: Tempo.push
    "

    traits_of_the_standard_library {
        struct Units(Vec<u8>);

        #[trace_type]
        impl Drop for Units {
            fn drop(&mut self) {
                at("dropping");
            }
        }

        #[trace_type]
        impl Deref for Units {
            type Target = Vec<u8>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        #[trace_type]
        impl DerefMut for Units {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }

        #[trace_type]
        impl Index<&str> for Units {
            type Output = u8;

            fn index(&self, name: &str) -> &Self::Output {
                &self.0[name.len()]
            }
        }

        #[trace_type]
        impl Iterator for Units {
            type Item = u8;

            fn next(&mut self) -> Option<Self::Item> {
                self.0.pop()
            }
        }

        #[trace_type]
        impl fmt::Display for Units {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    } runs {
        let mut units = Units(vec![1]);
        units.push(2);
        assert_eq!((units.len(), units["a"]), (2, 2));
        assert_eq!(units.to_string(), "[1, 2]");
        assert_eq!(units.next(), Some(2));
    } traces "
        method call: Units.deref_mut
        method call: Units.deref
        method call: Units.index
        method call: Units.fmt
        method call: Units.next
        method call: Units.drop
          event: dropping
    "

    blanket_impls {
        trait Sizes {
            fn size(&self) -> Result<usize, fmt::Error>;
        }

        #[trace_type]
        impl<T: fmt::Display + ?Sized> Sizes for T {
            fn size(&self) -> Result<usize, fmt::Error> {
                Ok(self.to_string().len())
            }
        }

        trait Behind {
            fn behind(self) -> Result<usize, fmt::Error>;
        }

        #[trace_type]
        impl<T: Sizes + ?Sized> Behind for &T {
            fn behind(self) -> Result<usize, fmt::Error> {
                self.size()
            }
        }
    } runs {
        assert_eq!("abc".behind(), Ok(3));
    } traces "
        method call: T.behind
          method call: T.size
    "

    cells_and_closures_borrow_as_ever {
        struct Log(RefCell<Vec<u8>>);

        #[trace_type]
        impl Log {
            fn last(&self) -> Result<u8, &'static str> {
                self.0.borrow().last().copied().ok_or("empty")
            }

            fn push_all(&self, units: impl IntoIterator<Item = u8>) -> Result<(), &'static str> {
                let mut pushed = 0_usize;
                units.into_iter().for_each(|unit| {
                    self.0.borrow_mut().push(unit);
                    pushed += 1;
                });
                if pushed == 0 { Err("nothing") } else { Ok(()) }
            }
        }
    } runs {
        let log = Log(RefCell::default());
        assert_eq!(log.push_all([]), Err("nothing"));
        assert_eq!(log.last(), Err("empty"));
        assert_eq!(log.push_all([1, 2]), Ok(()));
        assert_eq!(log.last(), Ok(2));
    } traces "
        method call: Log.push_all [error: nothing]
        method call: Log.last [error: empty]
        method call: Log.push_all
        method call: Log.last
    "

    c_abi {
        #[trace_fn]
        extern "C" fn add(left: i32, right: i32) -> i32 {
            at("body");
            left + right
        }

        #[trace_fn]
        #[allow(improper_ctypes_definitions)]
        extern "C" fn checked(value: i32) -> Result<i32, fmt::Error> {
            if value < 0 { Err(fmt::Error) } else { Ok(value) }
        }
    } runs {
        let pointer: extern "C" fn(i32, i32) -> i32 = add;
        assert_eq!(pointer(1, 2), 3);
        assert_eq!(checked(1), Ok(1));
    } traces "
        function call: add
          event: body
        function call: checked
    "
}
