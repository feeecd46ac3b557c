//! The sandbox, called by another client: the Python package `wechatpayv3`.
