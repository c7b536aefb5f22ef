// What strikes a cluster while it works: each fault is one short function that
// breaks something and plans its repair.
#pragma once

#include "plan.h"

namespace bus::sim {

class Cluster;
class Host;

class Faults {
  public:
    explicit Faults(Cluster& cluster) : cluster_(cluster) {}
    // Something that suits the character strikes now.
    void strike(Character character);
    // Frames are lost of the last messages, after which only keepalives come.
    void lose_the_last();
    // Its operator retries what has died, now and then, and in the end purges the rest.
    void tend_dead_letters(Host& host);

  private:
    using Fault = void (Faults::*)();

    void cut_link();
    void half_open();
    void renew_link();
    void lose_frames();
    void lose_control_frame();
    void partition_briefly();
    void partition_for_days();
    void crash_host();
    void crash_two();
    void lose_hub();
    void reboot_host();
    void stop_host();
    void jump_clock();
    void kill_app();
    void kill_app_for_long();
    void disconnect_app();
    void fill_disk();
    void crash_before_full_disk();
    void crash_again_before_commit();
    void stop_on_full_disk();
    void spoil_row();
    void restore_journal();
    void restore_without_clock();
    void clone_host();
    void serve_its_own(Host& host, std::uint64_t starts);
    void rejoin(Host& host, Duration after);
    void set_clock_and_restart(Host& host);
    void remove_peer();
    void change_key();
    void retire_peer();
    void drain_host();
    void change_channel_bounds();
    void take_out(void (Host::*how)(const Host&));
    void forget_subscription();
    void remove_subscription();
    void pause_subscription();
    void purge_subscription();

    std::size_t any_address();
    std::size_t any_host();
    void down(std::size_t host, Duration how_long, const char* how);

    Cluster& cluster_;
};

}  // namespace bus::sim
