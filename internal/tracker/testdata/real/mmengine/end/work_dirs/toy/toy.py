custom_hooks = [
    dict(case='end', type='Watch'),
]
default_hooks = dict(
    checkpoint=dict(
        interval=1,
        max_keep_ckpts=2,
        rule='less',
        save_best='toy/mse',
        type='CheckpointHook'),
    logger=dict(interval=5, log_metric_by_epoch=True, type='LoggerHook'))
experiment_name = 'toy'
launcher = 'none'
log_processor = dict(by_epoch=True, type='LogProcessor')
model = dict(nan_at=-1, type='Toy')
optim_wrapper = dict(optimizer=dict(lr=0.01, type='SGD'))
randomness = dict(seed=1)
resume = False
train_cfg = dict(max_epochs=4, type='EpochBasedTrainLoop', val_interval=1)
train_dataloader = dict(
    batch_size=4,
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ToyData'),
    num_workers=0,
    sampler=dict(shuffle=False, type='DefaultSampler'))
val_cfg = dict()
val_dataloader = dict(
    batch_size=4,
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ToyData'),
    num_workers=0,
    sampler=dict(shuffle=False, type='DefaultSampler'))
val_evaluator = dict(constant=False, type='Mse')
work_dir = 'work_dirs/toy'
