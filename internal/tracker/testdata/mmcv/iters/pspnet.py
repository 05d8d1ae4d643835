optimizer = dict(type='SGD', lr=0.01)
runner = dict(type='IterBasedRunner', max_iters=400)
evaluation = dict(interval=200, metric='mIoU', pre_eval=True)
