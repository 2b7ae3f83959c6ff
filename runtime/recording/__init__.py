"""Recording calls on this machine: stereo WAV, the caller left, the agent right as the caller heard it.

The call's own tasks only note what was said and when (`tape`). Once a second that goes to one thread for all
calls (`writer`), which lays it out in time (`timeline`) and writes it to disk.
"""

from runtime.recording.writer import LocalRecording, RecordingWriter

__all__ = ["LocalRecording", "RecordingWriter"]
