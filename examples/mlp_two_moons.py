"""Two moons, MLP
See two hidden layers bend the border between two classes."""

import retrograd as torch
from retrograd import nn, optim

torch.manual_seed(0)
across = torch.rand(100, 1) * 2 - 1
height = torch.sqrt(1 - across**2)
upper = torch.cat([across, height], dim=1)
lower = torch.cat([1 - across, 0.5 - height], dim=1)
points = torch.cat([upper, lower]) + 0.15 * torch.randn(200, 2)
labels = torch.cat([torch.ones(100, 1), -torch.ones(100, 1)])

model = nn.Sequential(
    nn.Linear(2, 16),
    nn.Tanh(),
    nn.Linear(16, 16),
    nn.Tanh(),
    nn.Linear(16, 1),
)
loss_fn = nn.MSELoss()
opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(200):
    score = model(points)
    loss = loss_fn(score, labels)

    # backward and update
    opt.zero_grad()
    loss.backward()
    opt.step()

right = (score > 0) == (labels > 0)
print(f"loss = {loss.item():.4f}")
print(f"accuracy = {100 * right.to(torch.float32).mean().item():.1f} %")
