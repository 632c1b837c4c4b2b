"""The main process's side of worker processes: pools, queues and messages. Free of torch.

The programs that run in the worker processes are in `encoders.workers`.
"""
