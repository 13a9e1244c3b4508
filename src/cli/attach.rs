//! `attach`: the terminal interface on a forwarder that runs elsewhere.

use std::path::PathBuf;

use clap::Args;

/// Options of `attach`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct AttachArgs {
    /// Its admin port, such as http://127.0.0.1:8010; without it, the one of the configuration
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// The same, as every other command has it
    #[arg(long = "url", value_name = "URL", conflicts_with = "url", hide = true)]
    pub named_url: Option<String>,
    /// Configuration file (YAML): names the admin port and its web.token; a token goes to a URL given here only when
    /// --config stands beside it
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Its web.token, if it has one
    #[arg(long, value_name = "TOKEN", env = "CC_FORWARDER_ADMIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Look, and change nothing
    #[arg(long)]
    pub readonly: bool,
    /// Theme, instead of tui.theme
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
}

impl AttachArgs {
    /// The admin port, however it was given.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref().or(self.named_url.as_deref())
    }
}
