// HTTP-dates in their three forms; everything else is not a date.
#include "balance/http_date.hpp"

#include "balance/ascii.hpp"

#include <array>
#include <charconv>

namespace headroom::balance {
namespace {

using namespace std::chrono;

/// Reads a date from left to right; after the first mismatch everything fails.
class DateReader {
  public:
    explicit DateReader(std::string_view text) noexcept : text_(text) {}

    void expect(std::string_view literal) noexcept {
        ok_ = ok_ && text_.starts_with(literal);
        if (ok_) text_.remove_prefix(literal.size());
    }

    void skip_letters() noexcept {
        ok_ = ok_ && !text_.empty() && is_letter(text_[0]);
        while (!text_.empty() && is_letter(text_[0]))
            text_.remove_prefix(1);
    }

    int digits(std::size_t count) noexcept {
        int value = 0;
        if (ok_) {
            const auto [end, error] =
                std::from_chars(text_.data(), text_.data() + std::min(count, text_.size()), value);
            ok_ = error == std::errc{} && end == text_.data() + count && is_digit(text_[0]);
        }
        if (ok_) text_.remove_prefix(count);
        return value;
    }

    // asctime pads the day with a blank.
    int padded_day() noexcept {
        if (!text_.starts_with(' ')) return digits(2);
        text_.remove_prefix(1);
        return digits(1);
    }

    month month_name() noexcept {
        static constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        for (unsigned i = 0; ok_ && i < names.size(); ++i) {
            if (!text_.starts_with(names[i])) continue;
            text_.remove_prefix(3);
            return month(i + 1);
        }
        ok_ = false;
        return month(1);
    }

    seconds time_of_day() noexcept {
        const int hour = digits(2);
        expect(":");
        const int minute = digits(2);
        expect(":");
        const int second = digits(2);
        ok_ = ok_ && hour < 24 && minute < 60 && second <= 60;
        return hours(hour) + minutes(minute) + seconds(second);
    }

    [[nodiscard]] bool next_is(char c) const noexcept { return ok_ && text_.starts_with(c); }
    [[nodiscard]] bool finished() const noexcept { return ok_ && text_.empty(); }

  private:
    std::string_view text_;
    bool ok_ = true;
};

// No date that matters here is older than HTTP, so two digits need no clock to be understood.
int full_year(int two_digits) noexcept {
    return two_digits < 70 ? 2000 + two_digits : 1900 + two_digits;
}

} // namespace

std::optional<WallTime> parse_http_date(std::string_view text) noexcept {
    DateReader reader(text);
    reader.skip_letters();
    int day_number = 0;
    int year_number = 0;
    month month_value{1};
    seconds time{};
    if (reader.next_is(',')) {
        reader.expect(", ");
        day_number = reader.digits(2);
        const bool old = reader.next_is('-');
        const std::string_view separator = old ? "-" : " ";
        reader.expect(separator);
        month_value = reader.month_name();
        reader.expect(separator);
        year_number = old ? full_year(reader.digits(2)) : reader.digits(4);
        reader.expect(" ");
        time = reader.time_of_day();
        reader.expect(" GMT");
    } else {
        reader.expect(" ");
        month_value = reader.month_name();
        reader.expect(" ");
        day_number = reader.padded_day();
        reader.expect(" ");
        time = reader.time_of_day();
        reader.expect(" ");
        year_number = reader.digits(4);
    }
    const year_month_day date(year(year_number), month_value, day(static_cast<unsigned>(day_number)));
    // The civil clock counts nanoseconds in 64 bits: it ends in 2262.
    if (!reader.finished() || !date.ok() || year_number < 1900 || year_number > 2200) return std::nullopt;
    return WallTime(sys_days(date).time_since_epoch() + time);
}

} // namespace headroom::balance
