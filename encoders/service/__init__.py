"""The encoder service: one model on one device for all processes of a machine that need it, over a local socket.

`server` takes clients in, and hands each one's connection to the process that holds its model (`model_process`). There
`connections` reads what clients ask for, `pass_queue` orders it, and `device_loop` has it computed. `client` and
`loop_client` are how workers use it. Free of torch.
"""
