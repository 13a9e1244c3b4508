//! Filters and sums as parameters of the admin API.

use crate::admin::usage::ask::BYS;
use crate::store::filter::Filter;
use crate::store::query::By;

/// The parameters of a filter. One that leaves the time open says so: for sums, no time at all means another one.
pub(super) fn filter(filter: &Filter) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    };
    let open = filter.since.is_none() && filter.until.is_none();
    add("period", open.then(|| "all".to_owned()));
    add("since", filter.since.map(|at| at.to_string()));
    add("until", filter.until.map(|at| at.to_string()));
    add("model", filter.model.clone());
    add("endpoint", filter.endpoint.clone());
    add("group", filter.group.clone());
    add("session", filter.session.clone());
    add("state", filter.state.map(|state| state.as_str().to_owned()));
    add("status", filter.status.map(|status| status.to_string()));
    add("search", filter.text.clone());
    query.finish()
}

/// The parameters of sums.
pub(super) fn sums(of: &Filter, told_apart: By) -> String {
    let name = BYS.iter().find(|(_, by)| *by == told_apart).map_or("none", |(name, _)| name);
    format!("{}&by={name}", filter(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::State;

    #[test]
    fn whatever_is_asked_for_is_a_parameter() {
        assert_eq!(filter(&Filter::default()), "period=all");
        let all = Filter {
            since: Some("2026-11-23T00:00:00.5Z".parse().unwrap()),
            until: Some("2026-11-24T00:00:00Z".parse().unwrap()),
            model: Some("claude-opus-*".to_owned()),
            endpoint: Some("a&b".to_owned()),
            group: Some("main".to_owned()),
            session: Some("s".to_owned()),
            state: Some(State::Failed),
            status: Some(529),
            text: Some("模".to_owned()),
        };
        let expected = "since=2026-11-23T00%3A00%3A00.5Z&until=2026-11-24T00%3A00%3A00Z&model=claude-opus-*&\
                        endpoint=a%26b&group=main&session=s&state=failed&status=529&search=%E6%A8%A1";
        assert_eq!(filter(&all), expected);
        assert!(sums(&all, By::Hour).ends_with("&search=%E6%A8%A1&by=hour"));
    }
}
