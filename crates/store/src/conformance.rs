//! The suite that every backend must pass.
//!
//! A backend says how it is opened, and stamps out one test per check:
//!
//! ```ignore
//! struct Mine(tempfile::TempDir);
//!
//! impl esmond_ps_store::conformance::Backend for Mine {
//!     type Store = MyStore;
//!     async fn open(&self) -> MyStore {
//!         MyStore::open(self.0.path()).await.unwrap()
//!     }
//! }
//!
//! esmond_ps_store::conformance_suite!(Mine(tempfile::tempdir().unwrap()));
//! ```
//!
//! The tests run on tokio, which the backend's crate has to have as a
//! development dependency. A check asserts through the trait alone, and panics
//! when the backend does not keep its promise.

pub mod durability;
pub mod histograms;
pub mod kinds;
pub mod moving;
pub mod points;
pub mod records;
pub mod retention;
pub mod searches;
pub mod summaries;
pub mod upkeep;
pub mod users;

mod support;

use crate::Store;

/// Storage to be checked. A new value is empty storage of its own.
pub trait Backend: Sync {
    /// The store that it opens.
    type Store: Store;

    /// Opens the storage. Opening again, after the store before was dropped,
    /// shows what was stored.
    fn open(&self) -> impl Future<Output = Self::Store> + Send;
}

/// Stamps out one test per check. Takes an expression that makes a new
/// [`Backend`].
#[macro_export]
macro_rules! conformance_suite {
    ($backend:expr) => {
        $crate::conformance_suite! { $backend;
            records {
                a_record_is_read_back_as_it_was_stored
                a_record_may_be_bare
                an_equal_record_is_not_stored_again
                another_set_of_summaries_makes_another_record
                an_unknown_key_has_no_record
                a_key_that_is_taken_is_not_given_away
                many_creations_at_once_make_one_record
            }
            searches {
                no_condition_matches_every_record
                a_key_selects_its_record
                subject_types_are_compared_exactly
                subject_values_are_alternatives
                all_conditions_must_hold
                parameters_are_compared_exactly
                dashes_and_underscores_in_names_are_the_same
                subjects_and_parameters_are_not_mixed_up
                series_conditions_hold_for_one_series
                base_series_have_window_zero
                zero_windows_are_found_with_their_type
                event_types_are_compared_exactly
                updates_are_found_by_both_ends_of_the_range
                updates_and_event_types_hold_for_one_series
                pages_follow_the_order_of_keys
            }
            points {
                every_kind_of_value_reads_back
                the_edges_of_time_are_times
                points_come_in_order_of_time
                both_ends_of_a_range_belong_to_it
                pages_are_slices_of_the_range
                what_is_not_there_has_no_points
                an_unknown_record_takes_no_points
                an_empty_write_changes_nothing
                an_event_type_that_is_not_listed_is_added
                a_second_point_is_a_conflict_and_the_rest_is_stored
                the_first_of_two_points_in_a_request_wins
                conflicts_come_in_the_order_of_the_request
                documents_are_replaced
                one_time_holds_a_point_of_each_event_type
                the_update_time_is_that_of_event_types_that_got_a_point
            }
            summaries {
                integers_are_summed_and_counted_by_window
                all_summaries_of_a_window_share_a_bucket
                windows_are_aligned_to_the_epoch
                windows_at_the_edges_of_time_keep_their_points
                sums_exceed_sixty_four_bits
                floats_are_summed_without_loss
                float_sums_do_not_depend_on_the_order
                ratios_add_numerators_and_denominators
                conflicts_are_not_counted
                later_requests_add_to_the_bucket
                records_do_not_share_buckets
                only_listed_windows_have_buckets
                buckets_are_selected_by_their_start
            }
            histograms {
                counts_are_added_by_bucket
                an_equal_histogram_changes_nothing_but_the_update_time
                a_replaced_histogram_is_corrected_in_every_window
                the_last_of_two_histograms_in_a_request_wins
                a_bucket_without_counts_goes_with_its_histogram
                a_bucket_stays_while_another_histogram_lists_it
                a_bucket_stays_while_the_new_histogram_lists_it
                histograms_of_other_windows_keep_no_bucket
                a_histogram_can_become_empty
                bucket_texts_are_kept_as_sent
            }
            kinds {
                values_of_a_kind_are_kept_and_summarised
                neither_order_nor_requests_show
                a_replaced_value_is_corrected_in_every_window
                the_last_of_two_values_in_a_request_wins
                a_value_is_not_replaced_where_others_were_removed
                a_replaced_value_starts_no_bucket_and_changes_no_fixed_one
                what_another_build_stored_stays_as_it_is
                a_value_of_another_data_type_is_refused
                points_of_several_data_types_make_no_bucket
            }
            users {
                a_user_is_found_by_name_and_key
                a_user_without_key_is_found_by_name_only
                a_new_key_replaces_the_old_one
                no_key_leaves_the_key_as_it_is
                a_user_can_be_forbidden_and_allowed
                unknown_users_cannot_be_changed
                the_most_specific_network_wins
                the_families_of_addresses_are_kept_apart
                a_network_belongs_to_the_last_who_got_it
                users_are_listed_by_name
                a_deleted_user_leaves_nothing
                networks_are_listed_by_user_and_address
                a_network_is_taken_from_its_user_only
            }
            retention {
                the_oldest_points_go_first_and_not_more_than_asked
                summaries_outlive_their_points
                a_summary_that_was_removed_begins_again_with_all_points_that_are_there
                the_horizon_is_where_points_were_removed
                the_oldest_buckets_go_first_and_not_more_than_asked
                a_removed_bucket_starts_again
                what_is_removed_is_counted_before
                what_is_not_there_is_not_removed
                a_record_goes_when_it_holds_nothing
                points_can_be_removed_while_others_are_written
            }
            moving {
                a_copy_of_a_record_equals_it
                a_second_copy_adds_what_is_new
                a_copy_takes_no_key_of_another_record
                copies_of_points_touch_nothing_else
                a_different_point_stays_and_is_a_conflict
                copies_of_buckets_take_the_place_of_others
                every_kind_of_bucket_is_copied
                a_fixed_bucket_stays_as_it_is
                buckets_are_made_anew_from_their_points
                an_unknown_record_takes_no_copies
                an_archive_is_copied_by_pages
            }
            upkeep {
                usage_is_told_by_event_type
                larger_values_are_told_to_take_more
                a_store_in_use_is_whole
                giving_space_back_loses_nothing
            }
            durability {
                everything_is_there_after_opening_again
                every_point_of_concurrent_writers_counts_once
                one_of_many_equal_points_is_stored
                a_refused_request_takes_no_other_with_it
                readers_see_requests_as_a_whole
            }
        }
    };
    ($backend:expr; $($module:ident { $($check:ident)* })*) => {
        $(
            mod $module {
                use super::*;

                $(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $check() {
                        $crate::conformance::$module::$check(&$backend).await;
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_check_is_forgotten() {
        let list = include_str!("conformance.rs");
        let modules = [
            include_str!("conformance/durability.rs"),
            include_str!("conformance/histograms.rs"),
            include_str!("conformance/kinds.rs"),
            include_str!("conformance/moving.rs"),
            include_str!("conformance/points.rs"),
            include_str!("conformance/records.rs"),
            include_str!("conformance/retention.rs"),
            include_str!("conformance/searches.rs"),
            include_str!("conformance/summaries.rs"),
            include_str!("conformance/upkeep.rs"),
            include_str!("conformance/users.rs"),
        ];
        let checks = modules.iter().flat_map(|text| {
            text.split("\npub async fn ")
                .skip(1)
                .filter_map(|rest| rest.split(['(', '<']).next())
        });
        let mut count = 0;
        for check in checks {
            assert!(list.lines().any(|line| line.trim() == check), "{check}");
            count += 1;
        }
        assert!(count > 60, "{count}");
    }
}
