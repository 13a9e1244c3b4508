//! What the pure decisions need of a configuration: the fleet, every plan, every session.

use super::Config;
use crate::claude::request::Class;
use crate::domain::fleet::Settings;
use crate::domain::plan::Policy;
use crate::domain::route::StrategyKind;
use crate::domain::session::Rules;

impl Config {
    /// The part the fleet acts on.
    pub fn fleet_settings(&self) -> Settings {
        Settings {
            auto_switch: self.group.auto_switch,
            cooldown: self.group.cooldown,
            check_interval: self.health.check_interval,
            by_latency: self.strategy.kind == StrategyKind::Fastest,
            pinned: self.pinned.clone(),
        }
    }

    /// The limits of the plan of one request of this class. Only messages are worth a wait.
    pub fn policy(&self, class: Class) -> Policy {
        Policy {
            max_attempts: self.retry.max_attempts,
            max_total_attempts: self.retry.max_total_attempts,
            base_delay: self.retry.base_delay,
            max_delay: self.retry.max_delay,
            multiplier: self.retry.multiplier,
            strategy: self.strategy.kind,
            suspend: self.suspend.enabled && class == Class::Messages,
        }
    }

    /// When a session may leave the endpoint that serves it.
    pub fn session_rules(&self) -> Rules {
        Rules { fail_back: self.group.fail_back, idle: self.group.session_idle }
    }
}
