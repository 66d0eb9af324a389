"""Dagster's private names for the arithmetic of cron expressions. See decision 0011."""

# The ticks of cron expressions, with time zones and daylight-saving changes.
from dagster._utils.schedules import (
    get_latest_completed_cron_tick,
    get_next_cron_tick,
    is_valid_cron_schedule,
)

__all__ = ["get_latest_completed_cron_tick", "get_next_cron_tick", "is_valid_cron_schedule"]
