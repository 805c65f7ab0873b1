//! When cron triggers are due: their events are written ahead, so that none is lost while no server runs.

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use metadata::CronTrigger;
use tokio_postgres::GenericClient;

/// Events written at a time, as Hasura writes them.
const AHEAD: usize = 100;
/// With fewer in the future, more are written.
const LOW: i64 = 50;

/// A schedule in five fields, in UTC.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(schedule: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    parser.parse(schedule).map_err(|error| error.to_string())
}

/// The next times after one, in UTC; fewer when the schedule comes to an end.
pub(super) fn after(schedule: &Cron, from: Timestamp, count: usize) -> Vec<Timestamp> {
    let mut current: DateTime = TimeZone::UTC.to_datetime(from);
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        let Ok(next) = schedule.find_next_occurrence(&current, false) else { break };
        let Ok(zoned) = next.to_zoned(TimeZone::UTC) else { break };
        times.push(zoned.timestamp());
        current = next;
    }
    times
}

/// Writes the next events of the triggers that have few left. Times that are there already are left alone.
pub(super) async fn hydrate<C: GenericClient + Sync>(
    client: &C,
    triggers: &[&CronTrigger],
) -> Result<(), tokio_postgres::Error> {
    if triggers.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = triggers.iter().map(|trigger| trigger.name.as_str()).collect();
    let rows = client
        .query(
            "SELECT position::int, count(scheduled_time), extract(epoch FROM greatest(now(), max(scheduled_time)))::float8
             FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)
             LEFT JOIN hdb_catalog.hdb_cron_events ON trigger_name = name AND status = 'scheduled' AND scheduled_time > now()
             GROUP BY position",
            &[&names],
        )
        .await?;
    let (mut owners, mut times) = (Vec::new(), Vec::new());
    for row in rows {
        let (position, left, last): (i32, i64, f64) = (row.get(0), row.get(1), row.get(2));
        let trigger = usize::try_from(position - 1).ok().and_then(|index| triggers.get(index));
        let (Some(trigger), Ok(last)) = (trigger, timestamp(last)) else { continue };
        if left >= LOW {
            continue;
        }
        // A schedule that cannot be read is an inconsistency, which is reported where the metadata is.
        let Ok(schedule) = parse(&trigger.schedule) else { continue };
        for time in after(&schedule, last, AHEAD) {
            owners.push(trigger.name.as_str());
            times.push(time.to_string());
        }
    }
    if times.is_empty() {
        return Ok(());
    }
    client
        .execute(
            "INSERT INTO hdb_catalog.hdb_cron_events (trigger_name, scheduled_time)
             SELECT name, time::timestamptz FROM unnest($1::text[], $2::text[]) AS due (name, time) ON CONFLICT DO NOTHING",
            &[&owners, &times],
        )
        .await?;
    Ok(())
}

/// Whole seconds: cron knows nothing finer.
fn timestamp(epoch: f64) -> Result<Timestamp, jiff::Error> {
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
    Timestamp::from_second(epoch.floor() as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_are_in_utc_and_strictly_after() {
        let from: Timestamp = "2024-02-28T23:30:00Z".parse().unwrap();
        let times = |schedule: &str| -> Vec<String> {
            let found = after(&parse(schedule).unwrap(), from, 3);
            found.iter().map(ToString::to_string).collect()
        };
        assert_eq!(times("30 23 * * *"), ["2024-02-29T23:30:00Z", "2024-03-01T23:30:00Z", "2024-03-02T23:30:00Z"]);
        assert_eq!(times("*/15 * * * *")[0], "2024-02-28T23:45:00Z");
        assert_eq!(times("0 0 29 2 *"), ["2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    }

    #[test]
    fn six_fields_and_nonsense_are_refused() {
        assert!(parse("* * * * * *").is_err());
        assert!(parse("every day").is_err());
        assert!(parse("61 * * * *").is_err());
    }
}
