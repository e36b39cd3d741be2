// Turns yaml-cpp's events into the tree, with bounds. Events rather than YAML::Node: a tree of aliases can be
// exponentially larger than its text, and the library's own tree keeps no duplicate keys.
#include "core/config/document.hpp"

#include "core/config/text.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>
#include <stdexcept>

namespace headroom::core {
namespace {

// Aliases may multiply texts; their sum stays within a few files' worth.
constexpr std::size_t text_bytes_max = 4 * limits::config_file_bytes_max;

/// Ends the parse; caught in parse_document.
struct Refused : std::runtime_error {
    Refused(Place where, const std::string& why) : std::runtime_error(why), place(where) {}
    Place place;
};

Place place_of(const YAML::Mark& mark) {
    return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

class Builder final : public YAML::EventHandler {
  public:
    Builder(std::string_view file, Findings& findings) : file_(file), findings_(findings) {}

    Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        complete(leaf(Node::Kind::nothing, mark, {}), anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  const std::string& value) override {
        complete(leaf(Node::Kind::text, mark, value), anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(Node::Kind::list, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(Node::Kind::map, mark, anchor);
    }
    void OnMapEnd() override { close(); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) throw Refused(place_of(mark), "this alias stands inside its own anchor");
        charge(found->second, place_of(mark), open_.size());
        Node copy = found->second;
        copy.place = place_of(mark);
        complete(std::move(copy), 0);
    }

  private:
    /// A list or map whose end has not come yet.
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        bool has_key = false;
        std::string key;
        Place key_place;
    };

    Node leaf(Node::Kind kind, const YAML::Mark& mark, std::string text) {
        Node node;
        node.kind = kind;
        node.place = place_of(mark);
        node.text = std::move(text);
        charge(node, node.place, open_.size());
        return node;
    }

    void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        Open entry;
        entry.node = leaf(kind, mark, {});
        entry.anchor = anchor;
        open_.push_back(std::move(entry));
    }

    void close() {
        Open entry = std::move(open_.back());
        open_.pop_back();
        if (entry.node.kind == Node::Kind::map) merge(entry.node);
        complete(std::move(entry.node), entry.anchor);
    }

    /// Counts a node and all below it against the bounds.
    void charge(const Node& node, Place where, std::size_t depth) {
        text_bytes_ += node.text.size() + node.key.size();
        if (++nodes_ > limits::config_nodes_max || text_bytes_ > text_bytes_max) {
            throw Refused(where, fmt::format("more than {} entries or {} bytes once aliases are resolved",
                                             limits::config_nodes_max, text_bytes_max));
        }
        if (depth > limits::config_depth_max) {
            throw Refused(where, fmt::format("nested deeper than {} levels", limits::config_depth_max));
        }
        for (const Node& child : node.children)
            charge(child, where, depth + 1);
    }

    void complete(Node node, YAML::anchor_t anchor) {
        if (anchor != 0) {
            charge(node, node.place, open_.size());
            anchors_[anchor] = node;
        }
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == Node::Kind::map && !parent.has_key) {
            take_key(parent, node);
        } else {
            add(parent, std::move(node));
        }
    }

    void take_key(Open& parent, const Node& node) {
        if (node.kind != Node::Kind::text) {
            throw Refused(node.place, fmt::format("expected a key, found {}", node.kind_name()));
        }
        parent.has_key = true;
        parent.key = node.text;
        parent.key_place = node.place;
    }

    void add(Open& parent, Node node) {
        node.key = parent.key;
        node.key_place = parent.node.kind == Node::Kind::map ? parent.key_place : node.place;
        if (parent.node.kind == Node::Kind::map) {
            parent.has_key = false;
            if (const Node* first = find(parent.node, node.key); first != nullptr && node.key != "<<") {
                findings_.mistake(at(file_, node.key_place),
                                  fmt::format("{} is given twice in this mapping; the first is in line {}",
                                              in_ticks(node.key), first->key_place.line));
                return;
            }
        }
        parent.node.children.push_back(std::move(node));
    }

    static const Node* find(const Node& map, std::string_view key) {
        for (const Node& child : map.children) {
            if (child.key == key) return &child;
        }
        return nullptr;
    }

    /// Replaces `<<: *base` by the entries of base that the mapping does not give itself.
    void merge(Node& map) {
        std::vector<Node> own;
        std::vector<Node> merged;
        for (Node& child : map.children) {
            (child.key == "<<" ? merged : own).push_back(std::move(child));
        }
        map.children = std::move(own);
        for (Node& base : merged) {
            if (base.kind != Node::Kind::map) {
                findings_.mistake(at(file_, base.key_place),
                                  fmt::format("`<<` merges a mapping, found {}", base.kind_name()));
                continue;
            }
            for (Node& child : base.children) {
                if (find(map, child.key) == nullptr) map.children.push_back(std::move(child));
            }
        }
    }

    std::string_view file_;
    Findings& findings_;
    Node root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::size_t nodes_ = 0;
    std::size_t text_bytes_ = 0;
};

} // namespace

std::string_view Node::kind_name() const noexcept {
    switch (kind) {
        case Kind::nothing: return "nothing";
        case Kind::text: return "a text";
        case Kind::list: return "a list";
        case Kind::map: return "a mapping";
    }
    return "nothing";
}

std::string at(std::string_view file, Place place) {
    return fmt::format("{}:{}:{}", file, place.line, place.column);
}

std::optional<Node> parse_document(std::string_view bytes, std::string_view file, Findings& findings) {
    if (bytes.size() > limits::config_file_bytes_max) {
        findings.mistake(file, fmt::format("the file is larger than {} bytes; is it the configuration?",
                                           limits::config_file_bytes_max));
        return std::nullopt;
    }
    try {
        std::istringstream in{std::string{bytes}};
        YAML::Parser parser{in};
        Builder builder{file, findings};
        Builder second{file, findings};
        if (!parser.HandleNextDocument(builder)) return Node{.kind = Node::Kind::map};
        if (parser.HandleNextDocument(second)) {
            findings.mistake(file, "more than one YAML document (`---`); a configuration is one");
            return std::nullopt;
        }
        Node root = builder.take_root();
        if (root.kind == Node::Kind::nothing) root.kind = Node::Kind::map;
        return root;
    } catch (const Refused& refused) {
        findings.mistake(at(file, refused.place), refused.what());
    } catch (const YAML::Exception& error) {
        findings.mistake(at(file, place_of(error.mark)), "not valid YAML: " + error.msg);
    } catch (const std::exception& error) {
        findings.mistake(file, fmt::format("not readable as YAML: {}", error.what()));
    }
    return std::nullopt;
}

} // namespace headroom::core
