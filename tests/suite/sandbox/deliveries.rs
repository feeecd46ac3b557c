//! Deliveries of notifications: schedules, faults, order.
