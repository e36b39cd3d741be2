// The llhttp trampoline.
#include "net/http/field_scanner.hpp"

#include "net/assert.hpp"

namespace headroom::net {

struct FieldScanner::Callbacks {
    static FieldScanner& of(llhttp_t* machine) noexcept { return *static_cast<FieldScanner*>(machine->data); }

    static int name(llhttp_t* machine, const char* at, std::size_t size) noexcept {
        FieldScanner& self = of(machine);
        if (self.open_ == nullptr) {
            self.open_ = self.table_.next(self.fields_max_ + 1);
            self.open_->name_offset = static_cast<std::uint32_t>(at - self.base_);
            self.open_->name_size = static_cast<std::uint16_t>(size);
            self.in_value_ = false;
            return 0;
        }
        self.open_->name_size = static_cast<std::uint16_t>(self.open_->name_size + size);
        return 0;
    }

    /// Counts fields here and not at the first byte of a name: llhttp gives a name that turns out invalid to
    /// name() or not, as the bytes were cut. Takes from Content-Length, Transfer-Encoding and Connection what
    /// they mean to llhttp, which is for framing.cpp and, for a length followed by a tab, stricter than RFC
    /// 9110 section 5.5.
    static int name_complete(llhttp_t* machine) noexcept {
        FieldScanner& self = of(machine);
        if (self.table_.size() == self.fields_max_) {
            self.failure_ = {431, "too many fields"};
            return -1;
        }
        machine->header_state = 0;
        return 0;
    }

    static int value(llhttp_t* machine, const char* at, std::size_t size) noexcept {
        FieldScanner& self = of(machine);
        if (!self.in_value_) {
            self.open_->value_offset = static_cast<std::uint32_t>(at - self.base_);
            self.open_->value_size = static_cast<std::uint32_t>(size);
            self.in_value_ = true;
            return 0;
        }
        self.open_->value_size += static_cast<std::uint32_t>(size);
        return 0;
    }

    static int value_complete(llhttp_t* machine) noexcept {
        FieldScanner& self = of(machine);
        FieldEntry& open = *self.open_;
        // llhttp leaves the whitespace behind a value in it.
        const char* text = self.base_ + open.value_offset;
        std::uint32_t size = open.value_size;
        while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
            --size;
        open.value_size = size;
        open.id = field_id({self.base_ + open.name_offset, open.name_size});
        open.hop_by_hop = is_hop_by_hop(open.id);
        self.table_.add();
        self.open_ = nullptr;
        return 0;
    }

    static int complete(llhttp_t*) noexcept { return HPE_PAUSED; }

    static const llhttp_settings_t& settings() noexcept {
        static const llhttp_settings_t instance = [] {
            llhttp_settings_t made;
            llhttp_settings_init(&made);
            made.on_header_field = name;
            made.on_header_field_complete = name_complete;
            made.on_header_value = value;
            made.on_header_value_complete = value_complete;
            made.on_headers_complete = complete;
            return made;
        }();
        return instance;
    }

    /// A machine that has read a start line and waits for the first field line. One of a response, because
    /// then llhttp gives Upgrade and Transfer-Encoding no meaning of their own: that is for framing.cpp.
    static const llhttp_t& ready() noexcept {
        static const llhttp_t instance = [] {
            llhttp_t made;
            llhttp_init(&made, HTTP_RESPONSE, &settings());
            constexpr std::string_view start_line = "HTTP/1.1 200 OK\r\n";
            HEADROOM_ASSERT(llhttp_execute(&made, start_line.data(), start_line.size()) == HPE_OK);
            return made;
        }();
        return instance;
    }
};

FieldScanner::FieldScanner(FieldTable& table, std::size_t offset, std::size_t fields_max) noexcept
    : machine_(Callbacks::ready()), table_(table), position_(offset), fields_max_(fields_max) {
    machine_.data = this;
}

ParseStatus FieldScanner::scan(std::string_view input) noexcept {
    base_ = input.data();
    const llhttp_errno_t outcome =
        llhttp_execute(&machine_, input.data() + position_, input.size() - position_);
    if (outcome == HPE_OK) {
        position_ = input.size();
        return ParseStatus::need_more;
    }
    if (outcome == HPE_PAUSED) {
        position_ = static_cast<std::size_t>(llhttp_get_error_pos(&machine_) - base_);
        return ParseStatus::done;
    }
    if (!failure_) failure_ = {400, llhttp_get_error_reason(&machine_)};
    return ParseStatus::error;
}

} // namespace headroom::net
