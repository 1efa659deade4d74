//! Handing OAUTHBEARER tokens to librdkafka, which asks for a new one when four fifths of the last one's life are over.

use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::bindings::{
    rd_kafka_conf_enable_sasl_queue, rd_kafka_conf_set_oauthbearer_token_refresh_cb, rd_kafka_conf_t,
    rd_kafka_sasl_background_callbacks_enable, rd_kafka_t,
};

use super::client::CallbackState;
use super::error::copied;
use super::oauthbearer::{Token, TokenSource};
use super::{ErrorCode, KafkaError, ffi};

const OPERATION: &str = "hand over a token";

/// Has librdkafka ask caz for tokens, on a thread that nobody else waits for.
///
/// # Safety
/// `conf` is live, and its opaque pointer will be to a `CallbackState<S>` that outlives the client.
pub(super) unsafe fn ask_for_tokens<S>(conf: *mut rd_kafka_conf_t) {
    // SAFETY: caller's contract.
    unsafe {
        rd_kafka_conf_enable_sasl_queue(conf, 1);
        rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, Some(on_refresh::<S>));
    }
}

/// Serves those questions on librdkafka's background thread: the worker's own may be inside a call that waits for the token.
///
/// # Safety
/// `rk` is live and its configuration was given to [`ask_for_tokens`].
pub(super) unsafe fn serve_in_background(rk: *mut rd_kafka_t) -> Result<(), KafkaError> {
    // SAFETY: caller's contract; the error object is owned by us.
    unsafe { KafkaError::take(OPERATION, rd_kafka_sasl_background_callbacks_enable(rk)) }
}

/// Gives the client a token.
///
/// # Safety
/// `rk` is live.
pub(super) unsafe fn hand_over(rk: *mut rd_kafka_t, token: &Token, extensions: &[String]) -> Result<(), KafkaError> {
    let refused = || KafkaError::refused(OPERATION, "the token holds a NUL byte");
    let text = |text: &str| CString::new(text).map_err(|_| refused());
    let (value, principal) = (text(&token.value)?, text(&token.principal)?);
    let extensions = extensions.iter().map(|one| text(one)).collect::<Result<Vec<CString>, _>>()?;
    let mut pointers: Vec<*const c_char> = extensions.iter().map(|one| one.as_ptr()).collect();
    let mut reason = [0; 512];
    // SAFETY: a live handle (caller's contract); NUL-terminated strings and arrays as long as said, all copied before the call returns.
    let (code, reason) = unsafe {
        let (list, size) = (pointers.as_mut_ptr(), pointers.len());
        let until = token.expires_ms;
        let code = ffi::rd_kafka_oauthbearer_set_token(
            rk,
            value.as_ptr(),
            until,
            principal.as_ptr(),
            list,
            size,
            reason.as_mut_ptr(),
            reason.len(),
        );
        (ErrorCode(code), copied(reason.as_ptr()))
    };
    match code {
        ErrorCode::NONE => Ok(()),
        code => Err(KafkaError::with_reason(OPERATION, code, reason.replace(&token.value, super::MASK))),
    }
}

/// librdkafka wants a token; on its background thread.
unsafe extern "C" fn on_refresh<S>(rk: *mut rd_kafka_t, _: *const c_char, opaque: *mut c_void) {
    // SAFETY: `opaque` is the state pinned for the life of this client. Only this field is referred to, which is `Sync`: the others may
    // be in use by the client's own thread.
    let Some(source): Option<&TokenSource> =
        (unsafe { (&raw const (*opaque.cast::<CallbackState<S>>()).tokens).as_ref() }).and_then(Option::as_ref)
    else {
        return;
    };
    let token = catch_unwind(AssertUnwindSafe(|| source.token())).unwrap_or_else(|_| Err("a defect in caz".to_owned()));
    // SAFETY: the handle is live during its callbacks.
    let outcome = token.and_then(|token| unsafe { hand_over(rk, &token, &source.extensions) }.map_err(|error| error.to_string()));
    if let Err(why) = outcome {
        let why = CString::new(why.replace('\0', " ")).unwrap_or_default();
        // SAFETY: as above; the text is copied.
        unsafe { ffi::rd_kafka_oauthbearer_set_token_failure(rk, if why.is_empty() { c"no token".as_ptr() } else { why.as_ptr() }) };
    }
}

/// Whether nothing but `Sync` data is reached from another thread.
const fn assert_sync<T: Sync>() {}
const _: () = assert_sync::<TokenSource>();
