// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <map>
#include <mutex>
#include <string>

// The `stats` of an element as text for Prometheus (exposition format 0.0.4).
namespace prometheus {

// What a label's value must not hold as it is.
inline std::string escaped (const std::string &value)
{
  std::string out;
  for (char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

// Those that go up and down; all others only count.
inline bool is_gauge (const std::string &field)
{
  for (const char *name : {"l1-bytes", "l1-slices", "l2-bytes", "l2-objects",
           "l2-full", "ttfb-ns", "lag-items", "lag-bytes"})
    if (field == name) return true;
  return false;
}

// The metrics of any number of elements: all samples of one are together.
class Exposition
{
public:
  // All numbers of a structure such as `stats`, with the element's name as
  // label; those of the lists in it, such as `branches`, with their pads.
  void add (
      const GstStructure *stats, const std::string &prefix, const char *element)
  {
    const std::string label = "element=\"" + escaped (element) + '"';
    add_numbers (stats, prefix, label);
    for (gint i = 0; i < gst_structure_n_fields (stats); i++) {
      const GValue *list = gst_structure_get_value (
          stats, gst_structure_nth_field_name (stats, static_cast<guint> (i)));
      if (!GST_VALUE_HOLDS_ARRAY (list)) continue;
      for (guint j = 0; j < gst_value_array_get_size (list); j++) {
        const GValue *one = gst_value_array_get_value (list, j);
        if (!GST_VALUE_HOLDS_STRUCTURE (one)) continue;
        const GstStructure *branch = gst_value_get_structure (one);
        const char *pad = gst_structure_get_string (branch, "pad");
        add_numbers (branch, prefix,
            label + ",pad=\"" + escaped (pad != nullptr ? pad : "") + '"');
      }
    }
  }

  [[nodiscard]] std::string text () const
  {
    std::string out;
    for (const auto &[name, metric] : metrics_) {
      out += "# TYPE " + name + (metric.gauge ? " gauge\n" : " counter\n");
      out += metric.samples;
    }
    return out;
  }

private:
  struct Metric
  {
    bool gauge = false;
    std::string samples;
  };

  void add_numbers (const GstStructure *from, const std::string &prefix,
      const std::string &labels)
  {
    for (gint i = 0; i < gst_structure_n_fields (from); i++) {
      const char *field =
          gst_structure_nth_field_name (from, static_cast<guint> (i));
      const GValue *value = gst_structure_get_value (from, field);
      if (G_VALUE_HOLDS_UINT64 (value))
        add_number (prefix, field,
            static_cast<double> (g_value_get_uint64 (value)), labels);
      else if (G_VALUE_HOLDS_BOOLEAN (value) && is_gauge (field))
        add_number (prefix, field, g_value_get_boolean (value), labels);
    }
  }

  void add_number (const std::string &prefix, const std::string &field,
      double value, const std::string &labels)
  {
    bool gauge = is_gauge (field);
    std::string name = prefix + '_' + field;
    for (char &c : name)
      if (c == '-') c = '_';
    if (name.ends_with ("_ns")) {
      name.replace (name.size () - 3, 3, "_seconds");
      value /= 1e9;
    }
    if (!gauge) name += "_total";
    char number[32];
    g_ascii_formatd (number, sizeof (number), "%.15g", value);
    Metric &metric = metrics_[name];
    metric.gauge = gauge;
    metric.samples += name + '{' + labels + "} " + number + '\n';
  }

  std::map<std::string, Metric> metrics_;
};

// The same of elements that come and go: their counters are added up. From any
// thread.
class Sums
{
public:
  void add (GstElement *element, const std::string &prefix)
  {
    GstStructure *stats = nullptr;
    g_object_get (element, "stats", &stats, nullptr);
    std::lock_guard guard (mutex_);
    for (gint i = 0; i < gst_structure_n_fields (stats); i++) {
      const char *field =
          gst_structure_nth_field_name (stats, static_cast<guint> (i));
      guint64 value = 0;
      if (!gst_structure_get_uint64 (stats, field, &value)) continue;
      guint64 &sum = sums_[prefix][field];
      sum = is_gauge (field) ? value : sum + value;
    }
    gst_structure_free (stats);
  }

  [[nodiscard]] std::string text (const char *name)
  {
    Exposition all;
    std::lock_guard guard (mutex_);
    for (const auto &[prefix, fields] : sums_) {
      GstStructure *stats = gst_structure_new_empty ("stats");
      for (const auto &[field, value] : fields)
        gst_structure_set (
            stats, field.c_str (), G_TYPE_UINT64, value, nullptr);
      all.add (stats, prefix, name);
      gst_structure_free (stats);
    }
    return all.text ();
  }

private:
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, guint64>> sums_;
};

}  // namespace prometheus
