"""Linear regression
Watch one gradient travel from the loss to weight and bias."""

import retrograd as torch
from retrograd import nn, optim

torch.manual_seed(0)
x = torch.randn(100, 1)
y = 2 * x + 1 + torch.randn(100, 1)

model = nn.Linear(1, 1)
loss_fn = nn.MSELoss()
opt = optim.SGD(model.parameters(), lr=0.05)

for epoch in range(100):
    pred = model(x)
    loss = loss_fn(pred, y)

    # backward and update
    opt.zero_grad()
    loss.backward()
    opt.step()

print(f"w = {model.weight.item():.3f}")
print(f"b = {model.bias.item():.3f}")
